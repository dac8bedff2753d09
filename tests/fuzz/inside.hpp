// The checks of all fuzz targets.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

namespace sipalg::fuzz {

inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "property broken: %s\n", what);
    std::abort();
}

/// A view must be inside the input, or null and empty.
inline void require_inside(std::string_view input, std::string_view view) {
    if (view.data() == nullptr) return require(view.empty(), "a null view is empty");
    const std::less_equal<const char*> before;
    require(
        before(input.data(), view.data()) && before(view.data() + view.size(), input.data() + input.size()),
        "a view lies inside the input");
}

}  // namespace sipalg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);
