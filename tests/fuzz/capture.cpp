// Captures: reader, replay and the written explanations. Nothing may crash, and the page must not contain
// tags from the file.
#include "alg/explain/explanation.hpp"
#include "alg/explain/html.hpp"
#include "alg/explain/ladder.hpp"
#include "tests/fuzz/inside.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace sipalg;
    const explain::Explanation found = explain::explain({data, size}, {});
    const std::string text = explain::ladder(found);
    for (const char c : text)
        fuzz::require(c == '\n' || static_cast<unsigned char>(c) >= 0x20,
                      "the terminal gets no control bytes");
    const std::string page = explain::html(found, "fuzz");
    fuzz::require(page.find("<script") == page.rfind("<script"), "the page has one script");
    return 0;
}
