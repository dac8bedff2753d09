// The content of an explanation of a capture, before it is written as text, JSON or HTML.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alg/capture/packets.hpp"
#include "alg/explain/topology.hpp"
#include "alg/facts/fact.hpp"

namespace sipalg::explain {

/// A fact with the frame that caused it; 0: a deadline.
struct Entry {
    double at_s = 0;  ///< since the first packet
    std::uint64_t frame = 0;
    facts::Fact fact;
};

/// A pinhole from its opening to its end.
struct PinholeLife {
    call::CallPinhole pinhole;
    double opened_s = 0;
    std::optional<double> closed_s;  ///< nullopt: open at the end of the capture
    std::uint64_t packets = 0;       ///< the packets that it let in
    double first_s = 0, last_s = 0;  ///< of these packets
};

/// Media between one endpoint of a phone and one of the outside.
struct MediaPath {
    std::string type;  ///< "audio", …
    bool rtcp = false;
    Endpoint inside, remote;
    std::uint64_t from_phone = 0, to_phone = 0;
    std::uint64_t refused = 0;       ///< to the phone, while the call was open, without a pinhole
    std::uint64_t refused_late = 0;  ///< the same after the call had ended
    double first_s = 0, last_s = 0;
    bool phone_began = false;  ///< so conntrack lets answers in
};

/// The messages with one Call-ID, and all their effects.
struct Conversation {
    enum class Kind : std::uint8_t { other, registration, call };
    enum class Verdict : std::uint8_t { fine, incomplete, problem };

    Kind kind = Kind::other;
    std::string call_id, from, to;
    std::vector<Address> phones;
    std::vector<Address> peers;
    std::vector<Entry> entries;
    std::vector<PinholeLife> pinholes;
    std::vector<MediaPath> media;
    Verdict verdict = Verdict::fine;
    std::string summary;                ///< one sentence
    std::vector<std::string> problems;  ///< sentences, the most telling first
};

struct Explanation {
    std::uint64_t frames = 0, messages = 0, media_packets = 0;
    std::int64_t began_us = 0;  ///< since 1970
    double length_s = 0;
    std::vector<std::string> inside;  ///< addresses
    std::string outside;
    std::vector<std::string> notes;
    std::vector<capture::Unread> unread;
    std::uint64_t unread_count = 0;
    std::map<std::string, std::uint64_t>
        others;                               ///< datagrams that are not messages, by the word of the reason
    std::vector<Conversation> conversations;  ///< in the order in which they begin
};

std::string_view word(Conversation::Kind kind);
/// "ok", "incomplete", "problem"
std::string_view word(Conversation::Verdict verdict);

/// Replays the capture through the core. `file` is the content of the whole file. Throws only if memory runs
/// out, for any content.
Explanation explain(Bytes file, const Hints& hints);

/// Fills in verdict, summary and problems. `sees_media`: the capture has packets of media at all.
void judge(Conversation& conversation, bool sees_media);

}  // namespace sipalg::explain
