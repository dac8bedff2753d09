#include "alg/registration/register_message.hpp"

#include <doctest/doctest.h>

using namespace sipalg;
using namespace sipalg::registration;

namespace {

const Address phone = Address::v4(0xC0A8010B);    // 192.168.1.11
const Address proxy = Address::v4(0xCB00710A);    // 203.0.113.10
const Address router = Address::v4(0xCB007101);   // 203.0.113.1
const Address outside = Address::v4(0xC6336401);  // 198.51.100.1, what the world sees in its place

/// A REGISTER's 2xx with these header lines besides; what it is parsed from lives as long.
struct Answer {
    std::string text;
    sip::Message message;

    explicit Answer(const std::string& lines, const std::string& to = "<sip:alice@example.com>;tag=2")
        : text(
              "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.168.1.11:5060;branch=z9hG4bK1\r\n"
              "From: <sip:alice@example.com>;tag=1\r\nTo: " +
              to + "\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n" + lines + "Content-Length: 0\r\n\r\n") {
        REQUIRE(message.parse(text) == sip::ParseError::none);
    }
    std::vector<std::string> neighbours() const {
        const ReceivedMessage received{message, Side::outside,     phone, proxy,
                                       {},      {router, outside}, false, Time{0}};
        std::vector<std::string> found;
        for (const Address& address : registration::neighbours(received))
            found.push_back(address.text());
        return found;
    }
};

std::optional<Socket> own(std::string_view transport, const Address& host, std::uint16_t port) {
    if (host != phone) return std::nullopt;
    return Socket{transport == "tcp" ? Transport::tcp : Transport::udp, {host, port}};
}

struct Listed {
    std::vector<registration::ListedContact> contacts;  // first: registration::each_contact() fills it
    bool all = false;

    explicit Listed(const Answer& answer)
        : all(registration::each_contact(
              answer.message, own,
              [this](const registration::ListedContact& contact) { contacts.push_back(contact); })) {}
};

}  // namespace

TEST_CASE("an AOR is shown without display name and parameters") {
    CHECK(registration::aor_of(Answer("").message) == "sip:alice@example.com");
    CHECK(registration::aor_of(Answer("", "\"A\" <sips:alice@example.com:5071;x=y>;tag=2").message) ==
          "sips:alice@example.com:5071");
    CHECK(registration::aor_of(Answer("", "<tel:+4930123>").message) == "tel:+4930123");
}

TEST_CASE("C8 only the phone's own Contacts count, each with its own lifetime") {
    const Listed listed(
        Answer("Contact: <sip:a@192.168.1.11:5070;transport=tcp>;expires=60;reg-id=1, "
               "<sip:a@198.51.100.77>;expires=9\r\n"
               "m: sip:a@192.168.1.11\r\nContact: <sip:a@phone.example>\r\n"));
    CHECK_FALSE(listed.all);
    REQUIRE(listed.contacts.size() == 2);
    CHECK(listed.contacts[0].inside == Socket{Transport::tcp, {phone, 5070}});
    CHECK(listed.contacts[0].expires == 60);
    CHECK(listed.contacts[1].inside == Socket{Transport::udp, {phone, 5060}});
    CHECK_FALSE(listed.contacts[1].expires);
}

TEST_CASE("C8 Contact: * means all Contacts") {
    const Listed listed(Answer("Contact: *\r\n"));
    CHECK(listed.all);
    CHECK(listed.contacts.empty());
}

TEST_CASE("X7 if there are too many Contacts, the first ones count") {
    std::string lines;
    for (int port = 6000; port < 6020; ++port)
        lines += "Contact: <sip:a@192.168.1.11:" + std::to_string(port) + ">\r\n";
    const Listed listed{Answer(lines)};
    CHECK(listed.contacts.size() == 16);
    CHECK(listed.contacts.back().inside.endpoint.port == 6015);
}

TEST_CASE("C8 neighbours are the last Path entry and the first Service-Route entry") {
    CHECK(Answer(
              "Path: <sip:203.0.113.21;lr>, <sip:203.0.113.22;lr>\r\nService-Route: <sip:203.0.113.31;lr>\r\n"
              "Service-Route: <sip:203.0.113.32;lr>\r\n")
              .neighbours() == std::vector<std::string>{"203.0.113.22", "203.0.113.31"});
    CHECK(Answer("Path: <sip:203.0.113.21;lr>\r\nService-Route: <sip:203.0.113.21;lr>\r\n").neighbours() ==
          std::vector<std::string>{"203.0.113.21"});
}

TEST_CASE("X2 X3 the proxy itself, the router, names, and addresses that are not a host are not neighbours") {
    for (const char* host : {"203.0.113.10", "203.0.113.1", "198.51.100.1", "edge.example.com", "0.0.0.0",
                             "127.0.0.1", "224.0.0.1", "255.255.255.255", "[2001:db8::1]"}) {
        CAPTURE(host);
        CHECK(Answer("Path: <sip:" + std::string(host) + ";lr>\r\n").neighbours().empty());
    }
}
