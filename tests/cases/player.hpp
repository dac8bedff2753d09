// Plays the steps of a case on a router of its own.
#pragma once

#include <string>

#include "tests/cases/router.hpp"
#include "tests/cases/text.hpp"

namespace sipalg::test {

/// Throws std::runtime_error with the expected and the found text if an expectation is not met.
class Player {
  public:
    void play(const Step& step);

  private:
    // Both return false if the step is of another kind.
    bool play_event(const Step& step);
    bool change_setting(const Step& step);

    void packet(const Step& step);
    void restart(const Step& step);
    void scan_flow(const Step& step);
    void set_limit(const std::string& name, std::size_t limit);
    void set_mode(const Step& step);
    void set_media_source(const Step& step);

    Router router_;
};

}  // namespace sipalg::test
