#include "alg/daemon/config/option_rows.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "alg/daemon/config/sections.hpp"
#include "alg/daemon/config/values.hpp"

namespace sipalg::daemon {

namespace {

/// A field that is one member of Options.
template <auto member>
constexpr OptionField field{[](const Options& a, const Options& b) { return a.*member == b.*member; },
                            [](Options& to, const Options& from) { to.*member = from.*member; }};
/// The same for a member of Options::treatments.
template <auto member>
constexpr OptionField treatment{
    [](const Options& a, const Options& b) { return a.treatments.*member == b.treatments.*member; },
    [](Options& to, const Options& from) { to.treatments.*member = from.treatments.*member; }};
/// For two members that belong to one option.
template <auto first, auto second>
constexpr OptionField fields{
    [](const Options& a, const Options& b) { return field<first>.same(a, b) && field<second>.same(a, b); },
    [](Options& to, const Options& from) {
        field<first>.copy(to, from);
        field<second>.copy(to, from);
    }};
constexpr OptionField no_field{nullptr, nullptr};

void set_foreground(Options& o, const Setting& s) {
    o.foreground = parse_switch(s);
}
void set_check(Options& o, const Setting& s) {
    o.check_rules = s.value == "rules";
    o.check = o.check_rules || parse_switch(s);
}
void add_outside(Options& o, const Setting& s) {
    o.outside.push_back(parse_interface(s));
}
void add_inside(Options& o, const Setting& s) {
    o.inside.push_back(parse_interface(s));
}
bool has(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
    return std::find(ports.begin(), ports.end(), port) != ports.end();
}
void add_sip_port(Options& o, const Setting& s) {
    const std::uint16_t port = parse_port(s);
    if (!has(o.sip_ports, port)) o.sip_ports.push_back(port);
}
// The check needs the SIP ports, so the row of tls-port comes after that of sip-port.
void add_tls_port(Options& o, const Setting& s) {
    const std::uint16_t port = parse_port(s);
    if (has(o.sip_ports, port))
        throw complaint(s, "is a SIP port already, where TLS is recognised too; name each port once");
    if (!has(o.tls_ports, port)) o.tls_ports.push_back(port);
}
void set_find_sip(Options& o, const Setting& s) {
    o.find_sip = parse_switch(s);
}
void set_media_ports(Options& o, const Setting& s) {
    std::tie(o.media_low, o.media_high) = parse_media_ports(s);
}
void add_public_ports(Options& o, const Setting& s) {
    o.public_ports.push_back(parse_public_ports(s));
}
void add_external_address(Options& o, const Setting& s) {
    o.external_addresses.push_back(parse_external_address(s));
}
void add_accept_in(Options& o, const Setting& s) {
    if (s.value == "auto")
        o.accept_in_auto = true;
    else if (s.value != "none")
        o.accept_in.push_back(parse_accept_in(s));
}
void set_malformed(Options& o, const Setting& s) {
    if (s.value != "pass" && s.value != "drop") throw complaint(s, "is neither 'pass' nor 'drop'");
    o.drop_malformed = s.value == "drop";
}
void set_media_source(Options& o, const Setting& s) {
    o.treatments.media_source = parse_media_source(s);
    if (o.treatments.media_source == MediaSource::any)
        throw complaint(s,
                        "would open every call to any sender; set it in the [peer ...] section of the peer "
                        "that needs it");
}
void set_mode(Options& o, const Setting& s) {
    o.treatments.mode = parse_mode(s);
}
void set_nat(Options& o, const Setting& s) {
    o.treatments.nat = parse_nat(s);
}
void set_queue(Options& o, const Setting& s) {
    o.queue = parse_queue(s);
}
// Messages of a call must keep their order, and each waits for the kernel's only lock of nftables, so a
// second thread would gain nothing.
void check_workers(Options&, const Setting& s) {
    if (s.value == "1") return;
    throw complaint(
        s,
        "is not supported (expected 1): one thread is enough, because each message of a call waits "
        "for the one before it and for nftables, which makes one change at a time");
}
void set_table(Options& o, const Setting& s) {
    o.table = parse_table(s);
}
void set_control(Options& o, const Setting& s) {
    o.control = parse_control(s);
}
void set_state(Options& o, const Setting& s) {
    o.state = parse_state(s);
}
void set_control_group(Options& o, const Setting& s) {
    o.control_group = parse_group(s);
}
void set_admin_group(Options& o, const Setting& s) {
    o.admin_group = parse_group(s);
}
void add_emergency_number(Options& o, const Setting& s) {
    o.emergency_numbers.push_back(parse_emergency_number(s));
}
void set_log_level_option(Options& o, const Setting& s) {
    const auto level = parse_log_level(s.value);
    if (!level) throw complaint(s, "is not a log level (expected error, warning, info or debug)");
    o.log_level = *level;
}
void set_log_format_option(Options& o, const Setting& s) {
    const auto format = parse_log_format(s.value);
    if (!format) throw complaint(s, "is not a log format (expected text or json)");
    o.log_format = *format;
}
void set_history(Options& o, const Setting& s) {
    o.history = parse_history(s);
}
void set_mask_numbers(Options& o, const Setting& s) {
    o.mask_numbers = parse_switch(s);
}

constexpr std::array general_rows{
    OptionRow{"config", "FILE", false, false, nullptr, Live::no, no_field,
              "configuration file (default: /etc/sipalg/sipalgd.conf if it exists)"},
    OptionRow{"foreground", nullptr, false, true, set_foreground, Live::no, field<&Options::foreground>,
              "do not detach; log to stderr"},
    OptionRow{"outside", "IFACE", true, true, add_outside, Live::no, field<&Options::outside>,
              "interface towards the untrusted side, repeatable (default: those of the default routes)"},
    OptionRow{"inside", "IFACE", true, true, add_inside, Live::no, field<&Options::inside>,
              "interface towards the phones, repeatable (default: every other interface but loopback)"},
    OptionRow{"sip-port", "N", true, true, add_sip_port, Live::no, field<&Options::sip_ports>,
              "port of SIP in clear text, UDP and TCP, repeatable (default: 5060)"},
    OptionRow{"tls-port", "N", true, true, add_tls_port, Live::no, field<&Options::tls_ports>,
              "port on which TLS and DTLS are reported and never changed, repeatable (default: 5061)"},
    OptionRow{"find-sip", nullptr, false, true, set_find_sip, Live::no, field<&Options::find_sip>,
              "report SIP on other ports (sipalgctl flows), to find the ports that a provider uses"},
    OptionRow{"media-ports", "LO-HI", false, true, set_media_ports, Live::no,
              fields<&Options::media_low, &Options::media_high>,
              "public ports for media if the phone's own port is not free (default: 16384-32767)"},
    OptionRow{
        "public-ports", "LO-HI", true, true, add_public_ports, Live::no, field<&Options::public_ports>,
        "ports that reach this router, if others share its address (MAP-E, lw4o6), repeatable; public ports "
        "of media too are chosen from them (default: all ports)"},
    OptionRow{"external-address", "A", true, true, add_external_address, Live::yes,
              field<&Options::external_addresses>,
              "public address if the router itself is behind NAT, repeatable; the n-th belongs to the n-th "
              "--outside, a single one to all of them"},
    OptionRow{
        "accept-in", "CHAIN", true, true, add_accept_in, Live::no,
        fields<&Options::accept_in, &Options::accept_in_auto>,
        "\"FAMILY TABLE CHAIN\" of a base chain that must accept pinholed traffic, repeatable; 'auto' finds "
        "every chain that can drop it and follows changes, 'none' leaves the rule to you (default: auto)"},
    OptionRow{
        "media-source", "POLICY", false, true, set_media_source, Live::yes,
        treatment<&Treatments::media_source>,
        "sources of media: negotiated (the addresses in the session description) or latch (also the first "
        "other sender); 'any' only in a [peer] or [phone] section of the file (default: negotiated)"},
    OptionRow{
        "mode", "MODE", false, true, set_mode, Live::yes, treatment<&Treatments::mode>,
        "how messages are handled: auto (rewrite, unless the phone or the peer handles NAT itself), rewrite, "
        "pinhole (open pinholes, change no message), observe (only report) or off (default: auto)"},
    OptionRow{
        "nat", "WHETHER", false, true, set_nat, Live::yes, treatment<&Treatments::nat>,
        "whether IPv4 addresses of phones are translated: auto (only private ones), yes or no (default: "
        "auto)"},
    OptionRow{"malformed", "POLICY", false, true, set_malformed, Live::no, field<&Options::drop_malformed>,
              "what to do with SIP that cannot be read: pass or drop (default: pass)"},
    OptionRow{"queue", "N", false, true, set_queue, Live::no, field<&Options::queue>,
              "NFQUEUE number; the next two are used too (default: 5060)"},
    OptionRow{"workers", "N", false, true, check_workers, Live::no, no_field,
              "number of threads that handle messages; only 1 is supported (default: 1)"},
    OptionRow{"table", "NAME", false, true, set_table, Live::no, field<&Options::table>,
              "nftables table of family inet that sipalgd owns (default: sipalg)"},
    OptionRow{"control", "PATH", false, true, set_control, Live::no, field<&Options::control>,
              "control socket (default: /run/sipalg/control.sock)"},
    OptionRow{
        "state", "FILE", false, true, set_state, Live::no, field<&Options::state>,
        "file for calls and registrations from a stop to the next start (default: state beside the control "
        "socket)"},
    OptionRow{"control-group", "NAME", false, true, set_control_group, Live::no,
              field<&Options::control_group>,
              "group that may query the daemon (default: sipalg if it exists, else only root)"},
    OptionRow{"admin-group", "NAME", false, true, set_admin_group, Live::no, field<&Options::admin_group>,
              "group that may also close calls, record and reload (default: none, only root)"},
    OptionRow{"log-level", "LEVEL", false, true, set_log_level_option, Live::yes, field<&Options::log_level>,
              "lowest level to log: error, warning, info or debug (default: info)"},
    OptionRow{"emergency-number", "NUMBER", true, true, add_emergency_number, Live::no,
              field<&Options::emergency_numbers>,
              "emergency number, besides 112, 911 and urn:service:sos, repeatable"},
    OptionRow{"log-format", "FORMAT", false, true, set_log_format_option, Live::yes,
              field<&Options::log_format>, "text, or json: one JSON object a line (default: text)"},
    OptionRow{"history", "N", false, true, set_history, Live::yes, field<&Options::history>,
              "number of ended calls that sipalgctl calls --ended shows; 0: none (default: 200)"},
    OptionRow{"mask-numbers", nullptr, false, true, set_mask_numbers, Live::yes,
              field<&Options::mask_numbers>,
              "hide the last three digits of telephone numbers in the log and the history"},
    OptionRow{
        "check", nullptr, false, false, set_check, Live::no, no_field,
        "validate the configuration and ask the kernel, change nothing; works while sipalgd is running; "
        "--check=rules prints the ruleset too"},
    OptionRow{"help", nullptr, false, false, nullptr, Live::no, no_field, "print this and exit"},
    OptionRow{"version", nullptr, false, false, nullptr, Live::no, no_field, "print the version and exit"},
};

// X7: an option for each limit.
template <std::size_t index>
constexpr OptionRow limit_row{
    limit_rows[index].option,
    "N",
    false,
    true,
    [](Options& o, const Setting& s) {
        o.limits.*limit_rows[index].member = parse_limit(s, limit_rows[index].most);
    },
    Live::no,
    {[](const Options& a, const Options& b) {
         return a.limits.*limit_rows[index].member == b.limits.*limit_rows[index].member;
     },
     [](Options& to, const Options& from) {
         to.limits.*limit_rows[index].member = from.limits.*limit_rows[index].member;
     }},
    limit_rows[index].name};
constexpr auto rows = []<std::size_t... general, std::size_t... limits>(std::index_sequence<general...>,
                                                                        std::index_sequence<limits...>) {
    return std::array{general_rows[general]..., limit_row<limits>...};
}
(std::make_index_sequence<general_rows.size()>(), std::make_index_sequence<limit_rows.size()>());

}  // namespace

std::span<const OptionRow> general_options() {
    return general_rows;
}

std::span<const OptionRow> all_options() {
    return rows;
}

const OptionRow* find_option(std::string_view name) {
    const auto it =
        std::find_if(rows.begin(), rows.end(), [&](const OptionRow& row) { return row.name == name; });
    return it == rows.end() ? nullptr : &*it;
}

}  // namespace sipalg::daemon
