// The few SIP messages that a test call needs. It does not use the parser of the core, whose work it is to
// check.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "alg/net/address.hpp"
#include "alg/testcall/end.hpp"

namespace sipalg::testcall {

/// The value of a header that is written as "Name: value"; empty: there is none.
std::string header(std::string_view message, std::string_view name);
/// The URI between the angle brackets of a header's value.
std::string uri_in(std::string_view value);
/// The end that a SIP URI names, port 5060 if it has none; nullopt: it names no address.
std::optional<Endpoint> end_of_uri(std::string_view uri);
/// The address and port of the first stream of a session description.
std::optional<Endpoint> media_of(std::string_view message);
/// A session description with one stream of G.711.
std::string description(const Endpoint& media);

/// The view that one end has of a dialog. `local` and `remote` are the values of From and To in its requests.
struct Dialog {
    std::string call_id, local, remote, target;
    unsigned cseq = 0;
};

/// The host of a URI: IPv6 in brackets.
std::string uri_host(const Address& address);

/// Requests and responses of one user.
class SipUser {
  public:
    SipUser(std::string name, const Endpoint& own, Transport transport)
        : name_(std::move(name)), own_(own), transport_(transport) {}

    Dialog dialog(const std::string& call_id, const std::string& to_user, const std::string& target) const;
    /// The next request of the dialog; an ACK has the number of the INVITE.
    std::string request(Dialog& dialog, const std::string& method, const std::string& body = {}) const;
    std::string contact() const;
    std::string response(const Heard& request, int status, const std::string& body = {}) const;

  private:
    std::string tag() const { return ";tag=" + name_; }

    std::string name_;
    Endpoint own_;
    Transport transport_;
};

}  // namespace sipalg::testcall
