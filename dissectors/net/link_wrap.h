/*
 * link_wrap.h - what capture programs put around a frame: pseudo headers that
 * name another link type, and the header of a wireless frame.  Pure.
 */
#ifndef LINK_WRAP_H
#define LINK_WRAP_H

#include "dissectors/dissector.h"

enum { LINK_LLC = 0x10000 }; /* no LINKTYPE_*: IEEE 802.2 LLC */

/*
 * The link type that is inside and where it begins.  NOTMINE: this one wraps
 * nothing, or nothing that can be read (encrypted, no data).
 */
enum dissect_rc link_unwrap(
    uint32_t link_type, const uint8_t *p, size_t len, uint32_t *inner, size_t *off);

#endif /* LINK_WRAP_H */
