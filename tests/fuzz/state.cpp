// What a daemon reads of an earlier one: the state file, and the elements and records in the kernel. Whatever
// is in them, the restored state keeps its invariants, and without packets it ends.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "alg/daemon/run/history_record.hpp"
#include "alg/daemon/run/state_file.hpp"
#include "alg/kernel/element_list.hpp"
#include "tests/cases/invariants.hpp"
#include "tests/cases/router.hpp"
#include "tests/fuzz/inside.hpp"

using namespace sipalg;
using fuzz::require;

namespace {

const daemon::StateFile::Origin here{"boot", 4, 4026531840, "sipalg"};

std::string checksum(std::string_view bytes) {
    std::uint64_t sum = 0xCBF29CE484222325;
    for (const char c : bytes)
        sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    std::string text;
    for (int i = 0; i < 8; ++i)
        text += static_cast<char>(sum >> 8 * i & 0xff);
    return text;
}

// The head of a file of this boot; the sections follow.
std::string file_head() {
    const auto number = [](std::uint64_t value, int bytes) {
        std::string text;
        for (int i = 0; i < bytes; ++i)
            text += static_cast<char>(value >> 8 * i & 0xff);
        return text;
    };
    return "sipalg-state\n" + number(1, 2) + number(here.boot.size(), 2) + here.boot +
           number(here.network_device, 8) + number(here.network_inode, 8) + number(here.table.size(), 2) +
           here.table + number(1'000'000, 8);
}

/// Restores the elements, and lets time pass until nothing is left.
void restore(const std::vector<StoredElement>& elements, Time now) {
    test::TableKernel kernel;
    for (const StoredElement& stored : elements) {
        const Change add{Change::Op::add, stored.element, std::max(stored.remaining, Seconds{1})};
        kernel.apply({&add, 1}, now);
    }
    State state{Policy{}};
    state.set_own_addresses({*Address::parse("203.0.113.1"), *Address::parse("192.168.1.1")});
    const auto changes = state.restore(
        kernel.read(now), [](const Address& address) { return address; }, now);
    kernel.apply(changes, now);
    state.scan.begin(now);
    state.scan.end();
    const Time end = now + Time{Seconds{3 * 24 * 3600}};
    Decision decision;
    for (int steps = 0;; ++steps) {
        require(steps < 20'000, "deadlines come to an end");
        const auto due = state.next_deadline();
        if (!due || *due > now) test::check_invariants(state, kernel, now);
        if (!due || *due > end) break;
        now = std::max(now, *due);
        kernel.expire(now);
        expire(state, now, decision);
        kernel.put_in_force(state, decision.changes, now);
    }
    kernel.expire(end);
    test::check_invariants(state, kernel, end);
    const Totals left = totals(state);
    require(!left.calls && !left.bindings && !left.mappings && !left.pinholes && kernel.elements().empty(),
            "a restored state ends");
}

void read_file(const std::string& bytes) {
    static_cast<void>(daemon::StateFile::decode(bytes, here));
    const std::string whole = file_head() + bytes;
    const auto content = daemon::StateFile::decode(whole + checksum(whole), here);
    if (!content) return;
    require(content->exists && content->written == Time{1'000'000}, "the head is read as it was written");
    std::size_t size = 0;
    for (const auto& section : content->sections.all())
        size += 2 + section.name.size() + 8 + section.bytes.size();
    require(size == bytes.size(), "the sections fill the file");
}

void read_history(const std::string& bytes) {
    daemon::History history;
    if (!daemon::read_history(bytes, history)) return require(history.rows().empty(), "all rows or none");
    daemon::History again;
    require(static_cast<bool>(daemon::read_history(daemon::write_history(history), again)) &&
                again.rows().size() == history.rows().size(),
            "what was read can be written");
}

void read_list(const std::string& bytes) {
    const auto changes = read_elements(bytes, Seconds{10});
    if (!changes) return;
    std::vector<StoredElement> elements;
    for (const Change& change : *changes)
        elements.push_back({change.element, change.timeout});
    restore(elements, Time{1'000'000});
}

std::string request(const char* method, const char* to_tag, const char* number, const std::string& rest) {
    return std::string(method) +
           " sip:b@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=" + "z9hG4bK" + method +
           "\r\nFrom: <sip:a@x>;tag=l\r\nTo: <sip:b@x>" + to_tag +
           "\r\nCall-ID: " + (std::string(method) == "REGISTER" ? "r" : "c") + "\r\nCSeq: " + number + " " +
           method + "\r\nContact: <sip:a@192.168.1.10:5060>\r\n" + rest;
}

std::string response(const char* method, const std::string& rest) {
    return std::string("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK") + method +
           "\r\nFrom: <sip:a@x>;tag=l\r\nTo: <sip:b@x>;tag=r\r\nCall-ID: " +
           (std::string(method) == "REGISTER" ? "r" : "c") + "\r\nCSeq: 1 " + method + "\r\n" + rest;
}

std::string with_body(const std::string& address, const char* port) {
    const std::string body = "v=0\r\no=- 1 1 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
                             "\r\nt=0 0\r\nm=audio " + port + " RTP/AVP 0\r\n";
    return "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// The elements of a registration and a call: bytes of their records are changed, as by another version or
/// by damage, or pieces of them are missing.
void damage_records(std::string_view input) {
    const Endpoint phone = *Endpoint::parse("192.168.1.10:5060"),
                   peer = *Endpoint::parse("203.0.113.10:5060");
    test::Router router;
    const auto out = [&](const std::string& text) { router.send(Side::inside, phone, peer, text); };
    const auto in = [&](const std::string& text) { router.send(Side::outside, peer, phone, text); };
    out(request("REGISTER", "", "1", "Expires: 600\r\n\r\n"));
    in(response("REGISTER", "Contact: <sip:a@203.0.113.1:5060>;expires=600\r\n\r\n"));
    out(request("INVITE", "", "1", with_body("192.168.1.10", "16000")));
    in(response("INVITE", "Contact: <sip:b@203.0.113.10>\r\n" + with_body("203.0.113.11", "30000")));
    out(request("ACK", ";tag=r", "1", "\r\n"));
    std::vector<StoredElement> elements = router.kernel().read(router.now());
    require(totals(router.state()).calls == 1, "there is a call");
    for (; input.size() >= 4; input.remove_prefix(4)) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
        StoredElement& stored = elements[byte(0) % elements.size()];
        if (auto* record = std::get_if<Record>(&stored.element)) {
            if (byte(1) == 255)
                record->id += byte(2);
            else if (byte(1) == 254)
                record->bytes.resize(1 + byte(2) % record->bytes.size());
            else
                record->bytes[byte(1) % record->bytes.size()] = input[2];
        }
        if (byte(3) < 32) stored.remaining = Seconds{1 + byte(3) * byte(3)};
        if (byte(3) == 255 && elements.size() > 1)
            elements.erase(elements.begin() + (&stored - elements.data()));
    }
    restore(elements, router.now());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0] % 4) {
            case 0: read_file(rest); break;
            case 1: read_history(rest); break;
            case 2: read_list(rest); break;
            default: damage_records(rest); break;
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        require(false, "a restored state keeps its promises");
    }
    return 0;
}
