// Ruleset and Conntrack by hand: settings as options, commands on standard input, for tests and for looking.
// Each answer ends with a line "ok" or "error: …".
//
//   install | check | remove | missing [CHANGE]… | text | read | method | chains | places | follow | others
//   forwards | offloading
//   set_outside [IF…] | listen | changed
//   apply CHANGE [; CHANGE]…      CHANGE: add|renew|remove ELEMENT [SECONDS]
//   erase PROTO SRC DST [; …] | known PROTO SRC DST [; …] | dump | bench COUNT
// ELEMENT: mapping PROTO INSIDE OUTSIDE | pinhole PROTO REMOTE OUTSIDE | listener PROTO INSIDE
//          | shifted PHONE PEER | record ID PART TEXT

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "nft/conntrack.hpp"
#include "nft/monitor.hpp"
#include "nft/ruleset.hpp"

namespace {

using namespace sipalg;

template <class T>
T next(std::istream& in) {
    T value{};
    if (!(in >> value)) throw std::invalid_argument("a word is missing");
    return value;
}

Transport transport(std::istream& in) {
    return next<std::string>(in) == "tcp" ? Transport::tcp : Transport::udp;
}

Endpoint endpoint(std::istream& in) {
    const auto value = Endpoint::parse(next<std::string>(in));
    if (!value) throw std::invalid_argument("not an endpoint");
    return *value;
}

Address address(std::istream& in) {
    const auto value = Address::parse(next<std::string>(in));
    if (!value) throw std::invalid_argument("not an address");
    return *value;
}

Element element(std::istream& in) {
    const auto kind = next<std::string>(in);
    if (kind == "record") {
        Record record;
        record.id = next<std::uint32_t>(in);
        record.part = next<std::uint32_t>(in);
        record.bytes = next<std::string>(in);
        return record;
    }
    if (kind == "shifted") {
        const Endpoint phone = endpoint(in);
        return SequenceMapped{phone, endpoint(in)};
    }
    const Transport t = transport(in);
    if (kind == "listener") return Diversion{t, endpoint(in)};
    if (kind == "latch") return Latch{t, endpoint(in)};
    if (kind == "open") return Pinhole{t, {}, endpoint(in)};
    if (kind == "pinhole" || kind == "learned") {
        const Address remote = address(in);
        if (kind == "learned") return LatchedSource{t, remote, endpoint(in)};
        return Pinhole{t, remote, endpoint(in)};
    }
    if (kind != "mapping" && kind != "mapping_via") throw std::invalid_argument("unknown element " + kind);
    const auto interface = kind == "mapping_via" ? InterfaceName(next<std::string>(in)) : InterfaceName();
    const Endpoint inside = endpoint(in);
    return Mapping{t, inside, endpoint(in), interface};
}

Change change(std::istream& in) {
    const auto op = next<std::string>(in);
    Change c;
    c.op = op == "add" ? Change::Op::add : op == "renew" ? Change::Op::renew : Change::Op::remove;
    c.element = element(in);
    if (c.op != Change::Op::remove) c.timeout = Seconds{next<int>(in)};
    return c;
}

ConntrackTuple flow(std::istream& in) {
    const Transport t = transport(in);
    const Endpoint source = endpoint(in);
    return {t, source, endpoint(in)};
}

template <class T, class Parse>
std::vector<T> parts(std::istream& in, const Parse& parse) {
    std::vector<T> all;
    for (std::string part; std::getline(in, part, ';');) {
        std::istringstream words(part);
        all.push_back(parse(words));
    }
    return all;
}

struct Print {
    std::ostream& out;
    void operator()(const Mapping& m) const {
        out << (m.interface.empty() ? "mapping " : "mapping_via ") << name(m.transport) << ' '
            << m.interface.text() << (m.interface.empty() ? "" : " ") << m.inside.text() << ' '
            << m.outside.text();
    }
    void operator()(const Pinhole& p) const {
        out << (p.remote ? "pinhole " : "open ") << name(p.transport) << ' '
            << (p.remote ? p.remote.text() + ' ' : "") << p.outside.text();
    }
    void operator()(const Latch& l) const { out << "latch " << name(l.transport) << ' ' << l.outside.text(); }
    void operator()(const LatchedSource& l) const {
        out << "learned " << name(l.transport) << ' ' << l.remote.text() << ' ' << l.outside.text();
    }
    void operator()(const Diversion& l) const {
        out << "listener " << name(l.transport) << ' ' << l.inside.text();
    }
    void operator()(const SequenceMapped& s) const {
        out << "shifted " << s.phone.text() << ' ' << s.peer.text();
    }
    void operator()(const Reachable& r) const {
        out << "reachable " << name(r.transport) << ' ' << r.outside.text();
    }
    void operator()(const Record& r) const { out << "record " << r.id << ' ' << r.part << ' ' << r.bytes; }
};

void require(const Result<>& outcome) {
    if (!outcome) throw std::runtime_error(outcome.error());
}

Result<> apply(nft::Ruleset& ruleset, nft::Monitor* monitor, std::span<const Change> changes) {
    if (monitor == nullptr) return ruleset.apply(changes);
    const nft::Monitor::Away away(*monitor);
    return ruleset.apply(changes);
}

// Measures transactions of eight changes, as in the setup of a call, and then those that remove the elements.
void bench(nft::Ruleset& ruleset, nft::Monitor* monitor, int count) {
    std::vector<Change> add, renew, remove;
    const auto step = [&](const Element& e) {
        add.push_back({Change::Op::add, e, Seconds{60}});
        renew.push_back({Change::Op::renew, e, Seconds{60}});
        remove.push_back({Change::Op::remove, e, {}});
    };
    for (std::uint16_t i = 0; i < 2; ++i) {
        const auto port = static_cast<std::uint16_t>(30000 + i);
        const Endpoint inside{Address::v4(0xC0A80102), port}, outside{Address::v4(0xCB007101), port};
        step(Mapping{Transport::udp, inside, outside});
        step(Pinhole{Transport::udp, Address::v4(0xCB007105), outside});
        step(Pinhole{Transport::udp, Address::v4(0xCB007106), outside});
        step(Record{7, i, std::string(200, 'x')});
    }
    for (const auto& [what, changes] :
         {std::pair{"add", &add}, std::pair{"renew", &renew}, std::pair{"remove", &remove}}) {
        std::vector<double> times;
        for (int i = 0; i < count; ++i) {
            if (changes == &add) require(ruleset.apply(remove));
            if (changes == &remove && i > 0) require(ruleset.apply(add));
            const auto start = std::chrono::steady_clock::now();
            const auto outcome = apply(ruleset, monitor, *changes);
            const auto end = std::chrono::steady_clock::now();
            require(outcome);
            times.push_back(std::chrono::duration<double, std::micro>(end - start).count());
        }
        std::sort(times.begin(), times.end());
        std::cout << what << " of 8: median " << times[times.size() / 2] << " us, 90 % "
                  << times[times.size() * 9 / 10] << " us\n";
    }
    require(ruleset.apply(remove));
}

void print(const std::vector<nft::AcceptPlace>& places) {
    constexpr const char* states[] = {"accepting", "needless", "absent", "refused"};
    for (const auto& place : places)
        std::cout << states[static_cast<int>(place.state)] << ' ' << nft::describe(place.place)
                  << (place.reason.empty() ? "" : ": ") << place.reason << '\n';
}

// PROTO [ADDRESS:]LOW-HIGH > DESTINATION
std::string text(const PortForward& forward) {
    std::string line = forward.transport ? std::string(name(*forward.transport)) + ' ' : "any ";
    if (forward.address) line += forward.address.text() + ':';
    line += std::to_string(forward.low) + '-' + std::to_string(forward.high) + " > ";
    if (!forward.to) return line + '?';
    line += forward.to.text();
    if (forward.to_low != 0)
        line += ':' + std::to_string(forward.to_low) + '-' + std::to_string(forward.to_high);
    return line;
}

void dump() {
    const auto print = [](const ConntrackEntry& f) {
        std::cout << "flow " << f.original_source.text() << ' ' << f.original_destination.text() << ' '
                  << f.reply_source.text() << ' ' << f.reply_destination.text() << ' ' << f.idle.count()
                  << ' ' << f.replied << ' ' << f.counted << ' ' << f.original_packets << ' '
                  << f.reply_packets << '\n';
    };
    nft::ConntrackDump().read(print, true);
}

void run(const std::string& line, nft::Ruleset* ruleset, nft::Conntrack& conntrack) {
    static std::unique_ptr<nft::Monitor> monitor;
    std::istringstream in(line);
    const auto command = next<std::string>(in);
    if (command == "erase") return conntrack.erase(parts<ConntrackTuple>(in, flow));
    if (command == "known") {
        for (const bool known : conntrack.known(parts<ConntrackTuple>(in, flow)))
            std::cout << (known ? "yes\n" : "no\n");
        return;
    }
    if (command == "dump") return dump();
    if (ruleset == nullptr) throw std::invalid_argument("no ruleset was asked for");
    if (command == "install") return ruleset->install();
    if (command == "check") return ruleset->check();
    if (command == "remove") return ruleset->remove();
    if (command == "bench") return bench(*ruleset, monitor.get(), next<int>(in));
    if (command == "text") {
        std::cout << ruleset->text();
    } else if (command == "missing") {
        const auto expected = parts<Change>(in, change);
        std::cout << (ruleset->missing(expected) == nft::Missing::table ? "table\n" : "nothing\n");
    } else if (command == "others") {
        std::cout << (ruleset->changed_by_others() ? "yes\n" : "no\n");
    } else if (command == "places") {
        print(ruleset->accept_places());
    } else if (command == "offloading") {
        for (const std::string& chain : ruleset->offloading_chains())
            std::cout << chain << '\n';
    } else if (command == "forwards") {
        for (const PortForward& forward : ruleset->port_forwards())
            std::cout << text(forward) << '\n';
    } else if (command == "follow") {
        print(ruleset->follow());
    } else if (command == "listen") {
        monitor = std::make_unique<nft::Monitor>(ruleset->port());
    } else if (command == "changed") {
        std::cout << (monitor->changed() ? "yes\n" : "no\n");
    } else if (command == "method") {
        std::cout << name(ruleset->queue_method()) << '\n';
    } else if (command == "chains") {
        for (const auto& place : ruleset->accepting_chains())
            std::cout << nft::describe(place) << '\n';
    } else if (command == "set_outside") {
        std::vector<std::string> names;
        for (std::string word; in >> word;)
            names.push_back(word);
        ruleset->set_outside(names);
    } else if (command == "read") {
        for (const auto& stored : ruleset->read()) {
            std::visit(Print{std::cout}, stored.element);
            std::cout << ' ' << stored.remaining.count() << '\n';
        }
    } else if (command == "apply") {
        require(apply(*ruleset, monitor.get(), parts<Change>(in, change)));
    } else {
        throw std::invalid_argument("unknown command " + command);
    }
}

}  // namespace

int main(int argc, char** argv) {
    nft::Settings settings;
    settings.sip_ports.clear();
    bool with_ruleset = true, tls_ports_given = false;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--conntrack-only") {
            with_ruleset = false;
            continue;
        }
        if (option == "--find-sip") {
            settings.find_sip = true;
            continue;
        }
        if (option == "--accept-auto") {
            settings.accept_in_auto = true;
            continue;
        }
        if (++i == argc) return 2;
        const std::string value = argv[i];
        if (option == "--table") settings.table = value;
        if (option == "--outside") settings.outside.push_back(value);
        if (option == "--inside") settings.inside.push_back(value);
        if (option == "--sip-port")
            settings.sip_ports.push_back(static_cast<std::uint16_t>(std::stoi(value)));
        if (option == "--tls-port") {
            if (!tls_ports_given) settings.tls_ports.clear();
            tls_ports_given = true;
            settings.tls_ports.push_back(static_cast<std::uint16_t>(std::stoi(value)));
        }
        if (option == "--queues") settings.queues = static_cast<std::uint16_t>(std::stoi(value));
        if (option == "--accept-in") {
            std::istringstream words(value);
            nft::AcceptIn place;
            words >> place.family >> place.table >> place.chain;
            settings.accept_in.push_back(place);
        }
    }
    if (settings.sip_ports.empty()) settings.sip_ports = {5060};
    try {
        std::unique_ptr<nft::Ruleset> ruleset;
        if (with_ruleset) ruleset = std::make_unique<nft::Ruleset>(settings);
        nft::Conntrack conntrack;
        std::cout << "ok" << std::endl;
        for (std::string line; std::getline(std::cin, line);) {
            try {
                run(line, ruleset.get(), conntrack);
                std::cout << "ok" << std::endl;
            } catch (const std::exception& error) {
                std::cout << "error: " << error.what() << std::endl;
            }
        }
    } catch (const nft::Error& error) {
        std::cout << "error: " << error.what() << std::endl;
        return 1;
    }
}
