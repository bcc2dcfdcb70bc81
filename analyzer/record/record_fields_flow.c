/*
 * record_fields_flow.c - the tables of what TCP, IP and ICMP showed of
 * connections, paths and hosts.
 */
#include "record/record_fields_impl.h"

LOCAL_NAMES(conn_state_names, [CONN_UNANSWERED] = "unanswered", [CONN_REFUSED] = "refused",
    [CONN_UNREACHABLE] = "unreachable", [CONN_HALF_OPEN] = "half-open",
    [CONN_ESTABLISHED] = "established", [CONN_MIDSTREAM] = "midstream");
LOCAL_NAMES(classified_names, [CLASS_NONE] = "none", [CLASS_PORT] = "port",
    [CLASS_GREETING] = "greeting", [CLASS_CLIENT] = "client", [CLASS_NDPI] = "ndpi");

#define S size_class
FIELD_TABLE(size_class_table, size_class, "size-class",
    "transmissions of one size in one direction", F(w, "size in bytes at the IP layer"),
    F(ok, "delivered"), F(lost, "lost"));
#undef S

#define S passed
FIELD_TABLE(passed_table, passed, "passed", "packets of one size that passed this point",
    F(w, "size in bytes at the IP layer"), F(n, "how many"),
    F(folded, "smaller ones are counted with it"), F(last, "the last of them"));
#undef S

#define S stretch
FIELD_TABLE(stretch_table, stretch, "stretch",
    "bytes that never passed this point although later ones did", F(at, "stream offset"),
    F(bytes, "how many"));
#undef S

#define S transmission
FIELD_TABLE(transmission_table, transmission, "transmission", "one transmission of a byte",
    TIME_AS(ns, "time", "when"), F(frame, "frame number"), F(w, "size in bytes at the IP layer"),
    F(ip_id, "IPv4 identification"), F(df, "don't fragment"),
    F(super, "segmented later: its size on the wire is unknown"), F(lost, "proven lost"));
#undef S

#define S pause
FIELD_TABLE(pause_table, pause, "pause", "a silence with nothing outstanding", F(from, "its start"),
    F(to, "its end"), F(ids_continue, "IPv4 identifications run on over it"),
    F(probes, "packets of the sender in it that ask for the window, or keep the connection"),
    F(ids_skipped,
	"IPv4 identifications that stepped by 1 till then and are missing over it: packets of the pause that are not in the capture"),
    F(ticks, "the sender's own clock went on by so many ticks, from its last data on"),
    F(ticks_ns, "the capture's clock by so much; 0: no time stamps tell it"),
    F(trailing, "no data came after it"));
#undef S

#define S record_direction
FIELD_TABLE(record_direction_table, record_direction, "direction",
    "what one endpoint sent, as seen at this capture point", F(packets, "packets"),
    F(data_segments, "segments with payload"), F(stream_bytes, "bytes of the stream"),
    F(acked, "stream offset the peer acknowledged to"),
    F(missing, "bytes of the stream that are not in the capture"),
    F(acked_unseen, "of them acknowledged: the capture lost them"),
    F(cut_bytes, "of them cut by the snap length"), F(conflict, "two copies of a byte differ"),
    F(isn_known, "the SYN was seen"), F(sack_ok, "SACK permitted"),
    F(timestamps, "TCP timestamps in use"),
    F(syn_cut, "the snap length cut the options of its SYN"), F(isn, "initial sequence number"),
    F(seq, "sequence number of the first byte of its stream"),
    F(tsval, "time stamp of its SYN; 0 none"),
    F(clock_ticks,
	"ticks of its own clock between its first and its last time stamp behind the SYN"),
    F(clock_ns, "time between them, by the capture's clock"), F(mss, "announced MSS; 0 unknown"),
    F(wscale, "window scale; 255 not announced, or cut"),
    F(window_syn, "the window in its SYN or SYN-ACK, bytes; 0 not seen"),
    F(ttl, "most frequent TTL without SYN and RST"), F(ttl_syn, "TTL of the SYN"),
    F(ttl_rst, "TTL of the RST, the last of several"), F(ttl_rst_first, "TTL of the first RST"),
    F(at_sender, "the TTL is an initial one: captured at the sender"), F(first, "first packet"),
    F(last, "last packet"), F(data_first, "first payload"), F(data_last, "last payload"),
    F(fin, "FIN"), F(rst, "first RST"), F(rst_count, "RSTs"),
    F(reset_signs,
	"signs that the RSTs were forged: 1 R1, 2 R2, 4 R3, 8 R4, 16 R5, 32 R5b, 64 R7, 128 R6"),
    F(reset_haste_ns, "since the packet that the hastiest RST answers"),
    F(loop_ns, "from the capture to this endpoint and back, at least"),
    F(rst_answers, "the first RST answers for a connection that was gone already"),
    F(rst_bare, "the first RST has no ACK, as one that answers a packet"),
    F(ceiling, "largest size the peer's MSS allows; 0 unknown"),
    F(w_max, "largest single segment seen"), F(proven, "largest size cleanly delivered"),
    F(proven_at, "when"),
    F(small_ok_first, "first data packet of at most 576 bytes cleanly delivered"),
    F(small_ok_last, "the last of them"),
    F(super_segments, "segments larger than any packet (offload)"), F(super_bytes, "their bytes"),
    MAX(size_count, RECORD_SIZES, "entries of sizes"),
    LIST(sizes, RECORD_SIZES, size_count, size_class_table, "transmissions by size, ascending"),
    MAX(passed_count, RECORD_SIZES, "entries of passed"),
    LIST(passed, RECORD_SIZES, passed_count, passed_table,
	"every packet but SYN, RST and super-segments, by size, ascending"),
    F(unseen_count, "stretches of the stream that never passed, beyond which bytes did"),
    LIST(unseen, RECORD_STRETCHES, unseen_count, stretch_table, "the first of them"),
    F(retransmissions, "retransmitted segments"), F(hole_fills, "holes filled later"),
    F(dsacks, "duplicate SACKs of the peer"),
    F(needless,
	"retransmissions of bytes that were acknowledged before, sooner than an answer takes, or in answer to what was sent before"),
    F(again_first, "retransmissions that begin with the first byte not acknowledged then"),
    F(fills_timed,
	"of the holes filled later those that only their lateness, of most of a round trip, tells from packets that others overtook"),
    F(overtaken, "packets that others overtook, by less than that"),
    F(repair_ranges, "ranges repaired"), F(repair_w_max, "largest repair"),
    F(repair_w_max_count, "repairs of that size"),
    F(repair_sizes, "different sizes among the repairs, at most 255"),
    F(larger_after_repair, "a larger segment was delivered after a repair"),
    F(all_lost_above_proven, "every lost size lies above the proven one"),
    F(repair_first, "first repair"), F(repair_last, "last repair"),
    F(deaf_count,
	"the same bytes sent again so many times, one after the other, though they had been acknowledged here before"),
    F(deaf_at, "where in the stream they begin"), F(deaf_from, "the first time of them"),
    F(deaf_to, "the last"), F(deaf_over, "the endpoint goes on behind them: it hears again"),
    F(deaf_late,
	"what it had heard then was said before the first of them: it was on its way all the time"),
    F(deaf_fresh, "what it had heard then was said since"),
    F(alive_count, "keep-alives at its end that nobody answered"),
    F(alive_first, "the first of them"), F(alive_last, "the last"),
    F(zero_from, "longest span in which this endpoint offered no window: start"),
    F(zero_to, "its end"), F(zero_probes, "answered probes in it"),
    F(zero_room, "largest window in it, in bytes: 0, or less than a segment"),
    F(zero_over, "it opened again, or data went on beyond it"),
    F(window_eq, "peer segments exactly as large as the last raw window"),
    F(window_over, "peer segments larger than it"), F(window_median, "median raw window"),
    F(pause_from, "longest silence with nothing outstanding: start"), F(pause_to, "its end"),
    F(pause_ids_continue, "IP identifications continue over it"),
    MAX(pause_count, RECORD_PAUSES, "entries of pauses"),
    LIST(pauses, RECORD_PAUSES, pause_count, pause_table,
	"the longest such silences, in order of time"),
    F(hole_seen, "first packet beyond a hole that never passed here"),
    F(hole_at, "stream offset of the hole"), F(hole_bytes, "its length"),
    F(hole_segments, "full segments it would hold; 0 not a whole number"),
    F(hole_id_jump, "IPv4 identifications missing over it"), F(hole_filled, "when it was filled"),
    F(hole_filled_smaller, "only by segments below the ceiling"),
    F(hole_acked, "the peer acknowledged beyond its edge"),
    F(id_gap_from, "identifications missing over a silence: start"), F(id_gap_to, "its end"),
    F(id_gap, "how many"), F(id_gap_big_before, "full-size segments were seen before it"),
    F(ids_step, "the IPv4 identifications step by 1 in this connection"),
    F(options_cut, "the snap length cut TCP options of its acknowledgements"));
#undef S

#define S record_connection
FIELD_TABLE_SHARED(connection_table, record_connection, "connection", "one TCP connection", KEY,
    F(client, "who sent the SYN"), F(server, "who got it"),
    KEEP_ENUM(state, conn_state_names, "how far it came"),
    KEEP_ENUM(app, app_proto_names, "what it speaks"),
    ENUM(by, classified_names, "how that was told"), F(community_id, "Community ID v1"),
    F(vlan, "outer and inner VLAN"), F(tunnel, "pppoe, vxlan, gre, ..."),
    F(tunnel_bytes, "so much larger is the outermost IP packet"),
    F(tunnel_mirror, "one host sends both directions in it: a mirror's copies"),
    ID(payload_hash, "hash of the first bytes: joins copies of a connection"),
    F(first, "first packet"), F(last, "last packet"),
    TIME(t_end, "last frame of the capture point when this was written"), F(open, "still running"),
    F(syn_count, "SYNs"), F(synack_count, "SYN-ACKs"), F(syn, "the first SYNs"),
    F(synack_first, "first SYN-ACK"), F(synack_last, "last SYN-ACK"),
    F(handshake, "the ACK that completed the handshake"),
    F(circle, "the first of the client's packets that came by ten times, each time with less TTL"),
    F(refused, "the RST that answered the SYN"), F(refused_ack_ok, "it acknowledged ISN+1"),
    F(client_reset_synack, "the client reset the SYN-ACK"),
    F(disordered,
	"packets with content recorded after a later one of the other side, or a second late"),
    F(late_ns,
	"how late its latest packet was recorded, behind one with a later time, nanoseconds"),
    F(unreachable, "the ICMP error that quoted the SYN"),
    MAX(rtt_ns, RECORD_RTT_MOST, "round trip in nanoseconds"),
    F(rtt_known, "measured, not assumed"),
    F(vantage,
	"permille of the round trip between here and the server: 1000 at the client; -1 unknown"),
    FIELD_OF(S, dir, FIELD_STRUCT, "client to server, server to client",
	.table = &record_direction_table, .flags = FIELD_ARRAY | FIELD_DEEP));
#undef S

#define S record_stall
FIELD_TABLE_SHARED(stall_table, record_stall, "stall", "one episode in which bytes did not arrive",
    KEY, F(from, "sender"), F(to, "receiver"), F(chain_count, "transmissions of the head byte"),
    F(chain_lost, "of them lost"), F(chain_above, "of them lost and larger than proven"),
    F(chain_starts, "different first bytes among the lost ones"),
    F(lost_last, "the last lost transmission"), MAX(chain_len, RECORD_CHAIN, "of them kept"),
    STRUCTS(chain, transmission_table, "the first and the last"),
    F(head, "stream offset of the head byte"), F(first, "first transmission"),
    F(last, "last transmission"), F(delivered, "when it arrived at last"),
    F(delivered_w, "the size that carried it"),
    F(delivered_smaller, "all of it came in smaller segments"),
    F(u, "smallest lost size above the proven one; 0 none"),
    F(proven, "largest size proven in this direction"), F(n_lost_ge, "lost, size at least u"),
    F(n_ok_ge, "delivered, size at least u"), F(n_lost_lt, "lost, smaller than u"),
    F(n_ok_lt, "delivered, smaller than u"), F(lost_else, "lost before or after the chain"),
    F(lost_frames, "further witnesses of lost sizes"),
    MAX(lost_count, RECORD_CHAIN, "kept of them"),
    F(live, "signs of life of the path: 1 L1, 2 L2, 4 L2b, 8 L3"), F(live_at, "their frames"),
    F(live_any, "the same, of any size, between the second and the last transmission"),
    F(peer_repeats, "the peer repeated its small reply"),
    F(peer_repeats_after_ack, "of them after an empty acknowledgement"),
    F(peer_repeat_at, "the last of them"), F(peer_new, "new data of the peer"),
    F(peer_seen, "any later packet of the peer"), F(zero_window, "the receiver offered no window"),
    F(df_clear, "no transmission forbade fragments"),
    F(fragment_trains, "complete fragment trains"),
    F(pieces_came, "larger ones, which the card cut to full size, had arrived before"),
    F(first_of_size, "nothing as large was sent before"),
    F(later_delivered, "segments behind the hole that arrived"),
    F(later_w_max, "the largest of them"),
    F(later_sent, "segments behind the hole, the same bytes counted once"),
    F(later_last, "the newest of them arrived"),
    F(again,
	"repeated empty acknowledgements of the head, each for a packet as large as it that arrived behind it"),
    F(again_first, "the first of them"), F(again_last, "the last"),
    F(w_min, "smallest of the chain"),
    F(idle_before_ns, "silence before the first transmission in nanoseconds"),
    F(options_cut, "the snap length cut the TCP options"),
    F(one_sided, "one direction was captured"), F(ptb_first, "earliest valid packet-too-big"),
    F(ptb_mtu, "smallest MTU told"), F(ptb_after, "larger transmissions after its grace"),
    F(ptb_late, "it came after the fourth transmission"), F(ptb_zero, "it told no MTU"),
    F(ptb_cut, "matched by a cut quote only"), F(ptb_from, "the router that told the MTU"));
#undef S

#define S record_icmp_error
FIELD_TABLE_SHARED(icmp_error_table, record_icmp_error, "icmp-error", "an ICMP or ICMPv6 error",
    KEY, F(at, "when"), F(from, "who said it"), F(to, "to whom"), F(family, "4 or 6"),
    KEEP_AS(type, "icmp_type", "ICMP type"), /* "type" is the line's */
    KEEP_AS(code, "icmp_code", "ICMP code"), F(mtu, "next-hop MTU"),
    F(frag_needed, "fragmentation needed or packet too big"),
    F(quoted_from, "source of the packet that met it"), F(quoted_to, "its destination"),
    F(quoted_proto, "its protocol"), F(quoted_len, "its IP length"),
    F(quoted_seq, "its sequence number"), F(quote_cut, "ports or sequence number missing"),
    F(ports_differ, "matched by one side only"), F(for_syn, "quotes a SYN"),
    MAX(dir, 1, "direction it speaks of; -1 unknown"), F(repeats, "equal ones folded into it"),
    F(last, "the last of them"), F(largest_sent, "largest segment of that direction when it came"),
    F(sent_after_above, "larger segments after its grace"),
    F(sent_after_above_lost, "of them not delivered"), F(sent_after, "data segments after it"),
    F(sent_again, "of them no larger than told, with bytes that had been sent before"),
    F(above_frames, "witnesses"), F(ttl, "its TTL"),
    F(community_id, "Community ID of the quoted connection"));
#undef S

#define S record_path
FIELD_TABLE_SHARED(path_table, record_path, "path", "a directed path in one epoch of 600 s", KEY,
    F(from, "sender"), F(to, "receiver"), TIME_AS(epoch_ns, "epoch", "start of the epoch"),
    F(proven, "largest size proven"), F(proven_at, "when"), ID(proven_conn, "by which connection"),
    F(w_max_seen, "largest segment seen"), F(flows, "connections that delivered data"));
#undef S

#define S record_host
FIELD_TABLE_SHARED(host_table, record_host, "host", "which port of which host answered whom", KEY,
    F(client, "client"), F(server, "server and port"), F(answered, "connections answered"),
    F(refused, "refused"), F(unanswered, "not answered"),
    F(unreachable, "answered by an ICMP error"), F(first, "first"), F(last, "last"),
    F(answered_at, "last answer"), F(ttl, "TTL of the server's packets"),
    F(ttl_rst, "TTL of its RSTs"),
    F(rtt_min_ns, "shortest time from SYN to SYN-ACK in nanoseconds"),
    F(data, "connections on which the client sent data"));
#undef S
