// Descriptions: every view lies inside the text, counts stay inside the tables, reading twice gives the same.
#include "alg/sdp/description.hpp"

#include "tests/fuzz/inside.hpp"

using namespace sipalg;
using fuzz::require;
using fuzz::require_inside;

namespace {

void check(std::string_view text, const sdp::AddressField& field) {
    require_inside(text, field.text);
    require_inside(text, field.type);
    require(!field.address || !field.text.empty(), "an address has a text");
    // The parsed address must be that of the text.
    if (field.address) require(Address::parse(field.text) == field.address, "an address is that of its text");
}

void check(std::string_view text, const sdp::Description& d) {
    require(d.text().data() == text.data() && d.text().size() == text.size(), "text() is the input");
    for (const std::string_view view : {d.text(), d.origin_session(), d.origin_version()})
        require_inside(text, view);
    check(text, d.origin());
    for (const sdp::AddressField& field : d.connections())
        check(text, field);
    require(d.media().size() <= sdp::Description::max_media, "media are bounded");
    const char* before = text.data();
    for (const sdp::Media& media : d.media()) {
        for (const std::string_view view :
             {media.type, media.port_text, media.proto, media.setup, media.mid, media.path})
            require_inside(text, view);
        require(media.type.data() >= before, "media stand in order");
        before = media.type.data();
        require(
            !media.well_formed || (!media.port_text.empty() && media.port_count > 0 && !media.proto.empty()),
            "a well-formed m= has port and protocol");
        require(d.connections(media).size() == media.connection_count, "all c= are there");
        require(d.candidates(media).size() == media.candidate_count, "all candidates are there");
        require(d.altc(media).size() == media.altc_count, "all a=altc are there");
        for (const sdp::AddressField& field : d.connections(media)) {
            check(text, field);
            require(field.text.empty() || field.text.data() > before, "a media's c= stands behind its m=");
        }
        for (const sdp::Candidate& candidate : d.candidates(media)) {
            check(text, candidate.address);
            require_inside(text, candidate.port_text);
        }
        for (const sdp::Altc& altc : d.altc(media)) {
            check(text, altc.address);
            require_inside(text, altc.port_text);
        }
        if (media.rtcp) {
            check(text, media.rtcp->address);
            require_inside(text, media.rtcp->port_text);
        }
        check(text, d.connection(media));
        require(!d.bundled(media) || !media.mid.empty(), "only a media with a mid is bundled");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    sdp::Description first;
    const bool good = first.parse(text);
    if (good) check(text, first);

    static sdp::Description again;
    require(again.parse(text) == good, "the same bytes give the same result");
    if (!good) return 0;
    require(again.media().size() == first.media().size() &&
                again.connections().size() == first.connections().size() &&
                again.origin().text.data() == first.origin().text.data(),
            "the same bytes give the same description");
    const sdp::Description copy = first;
    check(text, copy);
    return 0;
}
