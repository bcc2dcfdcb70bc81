/*
 * heap.h - the heap of a process that touches tens of megabytes in a tenth of
 * a second: most of what that costs is the kernel handing out pages of 4 KiB.
 */
#ifndef HEAP_H
#define HEAP_H

/* Once, before anything is allocated.  What the system does not offer is left as it is. */
void heap_prepare(void);

#endif /* HEAP_H */
