// The command line of sipalgctl.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace sipalg::ctl {

/// Bad usage (exit status 2). what() says how to correct it.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Options {
    std::string control = "/run/sipalg/control.sock";
    bool json = false;
    bool all = false;                 ///< with close
    std::vector<std::string> inside;  ///< with explain: networks
    std::string outside;              ///< with explain: an address; empty: guessed
    std::string html;                 ///< with explain: file to write; empty: none
    std::string call;                 ///< beginning of a Call-ID; empty: all
    std::string phone;                ///< inside address, as Address::text() writes it; empty: all
    bool ended = false;               ///< with calls: those that have ended
    bool lines = false;               ///< with watch: a line for each fact, also on a terminal
    bool prometheus = false;          ///< with metrics: Prometheus' text format
    bool wide = false;                ///< with lists: every column, however wide the terminal
    unsigned seconds = 0;             ///< with watch and record: how long; 0: until a signal
    std::string hep;                  ///< with record: "host:port" instead of a file
    bool with_credentials = false;    ///< with record: digest responses are not masked
    bool test_call = false;           ///< with doctor
    std::string config;               ///< with doctor --call: configuration file; empty: the default one
    std::string peer;                 ///< likewise: address of the provider; empty: chosen
    bool tcp = false;                 ///< likewise: signalling over TCP
    bool help = false;
    bool version = false;
    std::string command;   ///< a known one, unless help or version is set
    std::string argument;  ///< of the command; empty: none
};

/// Throws UsageError.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace sipalg::ctl
