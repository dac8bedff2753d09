// Plays the steps of a case on a router of its own.
#pragma once

#include <string>

#include "tests/cases/router.hpp"
#include "tests/cases/text.hpp"

namespace sipalg::test {

/// Every expectation that is not met throws std::runtime_error that tells both sides.
class Player {
  public:
    void play(const Step& step);

  private:
    // Each is false when the step is no such thing.
    bool happen(const Step& step);
    bool set(const Step& step);

    void packet(const Step& step);
    void restart(const Step& step);
    void seen(const Step& step);
    void bound(const std::string& what, std::size_t most);
    void set_mode(const Step& step);
    void set_media_source(const Step& step);

    Router router_;
};

}  // namespace sipalg::test
