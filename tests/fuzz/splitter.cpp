// The splitter: pieces cover the stream without gap, and are the same however the stream is cut.
#include "alg/sip/splitter.hpp"

#include <algorithm>
#include <vector>

#include "alg/sip/message.hpp"
#include "tests/fuzz/inside.hpp"

using namespace sipalg;
using fuzz::require;

namespace {

struct Cut {
    std::size_t begin = 0;
    sip::Piece piece;
};

bool ends_stream(sip::Kind kind) {
    return kind == sip::Kind::tls || kind == sip::Kind::http || kind == sip::Kind::garbage ||
           kind == sip::Kind::oversize;
}

/// Pieces of a stream that arrives in segments of `step` bytes; line ends between messages may fall apart and
/// are left out. Stops at bytes that cannot be SIP, and sets `stopped` to their offset.
std::vector<Cut> cut(std::string_view stream, std::size_t step, std::size_t& stopped) {
    std::vector<Cut> result;
    std::size_t begin = 0;
    sip::Piece last;
    last.wanted = 1;
    for (std::size_t arrived = 0; arrived < stream.size();) {
        arrived = std::min(arrived + step, stream.size());
        while (begin < arrived && arrived - begin >= last.wanted) {
            last = sip::next_piece(stream.substr(begin, arrived - begin), last.seen);
            if (last.kind == sip::Kind::need_more) {
                require(last.length == 0 && last.wanted > arrived - begin, "more is wanted than there is");
                require(last.wanted <= sip::max_message + 1, "no more is wanted than a message may have");
                require(last.seen <= arrived - begin, "no more is seen than there is");
                break;
            }
            require(last.length > 0 && last.length <= arrived - begin, "a piece takes some of what there is");
            if (ends_stream(last.kind)) {
                require(last.length == arrived - begin, "what is not SIP takes all");
                stopped = begin;
                return result;
            }
            if (last.kind != sip::Kind::keep_alive) result.push_back({begin, last});
            begin += last.length;
            last = {};
            last.wanted = 1;
        }
    }
    stopped = begin;
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    require(sip::classify_datagram(input) != sip::Kind::need_more, "a datagram is whole");

    std::size_t stopped_whole = 0;
    const auto whole = cut(input, input.size() + 1, stopped_whole);
    for (const Cut& c : whole) {
        if (c.piece.kind != sip::Kind::message) continue;
        const std::string_view bytes = input.substr(c.begin, c.piece.length);
        require(sip::classify_datagram(bytes) == sip::Kind::message, "a message is one as a datagram, too");
        // If the message can be parsed, it must consist of exactly these bytes.
        sip::Message message;
        const sip::ParseError error = message.parse(bytes);
        require(error != sip::ParseError::not_sip && error != sip::ParseError::truncated, "a piece is whole");
        if (error == sip::ParseError::none && message.content_length())
            require(message.head().size() + message.body().size() == bytes.size(), "a piece is one message");
    }
    // The split of a stream may change the point where reading stops, but not the positions of messages.
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
        if (input.size() / step > 4096) continue;
        std::size_t stopped = 0;
        const auto cuts = cut(input, step, stopped);
        require(cuts.size() <= whole.size(), "no cut makes messages");
        for (std::size_t i = 0; i < cuts.size(); ++i)
            require(cuts[i].begin == whole[i].begin && cuts[i].piece.kind == whole[i].piece.kind &&
                        cuts[i].piece.length == whole[i].piece.length,
                    "messages are where they are however the stream is cut");
        require(cuts.size() == whole.size(), "no message is lost by cuts");
    }
    return 0;
}
