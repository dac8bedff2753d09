#include "alg/daemon/run/memory_return.hpp"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace sipalg::daemon {

void MemoryReturn::note(std::size_t entries) {
    if (entries > peak_) peak_ = entries;
    if (peak_ < least || entries > peak_ / 2) return;
    peak_ = entries;
    give_back_();
#ifdef __GLIBC__
    malloc_trim(0);  // other C libraries give back free pages by themselves
#endif
}

}  // namespace sipalg::daemon
