// One daemon for a table: a name that the kernel frees when its holder dies, however it dies.
#pragma once

#include <string>

namespace sipalg::nft {

/// Holds the abstract AF_UNIX name "sipalg/TABLE". Such names belong to the network namespace, as tables do.
class Owner {
  public:
    /// Throws Error when another process holds the name.
    explicit Owner(const std::string& table);
    ~Owner();
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;

  private:
    int descriptor_ = -1;
};

}  // namespace sipalg::nft
