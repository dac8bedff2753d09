#include "alg/testcall/test_call.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "alg/testcall/daemon_copy.hpp"
#include "alg/testcall/router_copy.hpp"
#include "alg/testcall/sip_user.hpp"
#include "alg/testcall/traffic.hpp"

namespace sipalg::testcall {

namespace {

constexpr std::uint16_t sip_port = 5060;

/// The interface and the next hop to the provider, by the router's own routes.
std::pair<std::string, Address> way_out(const Interrupts& interrupts, const Address& provider) {
    const Outcome outcome = run(interrupts, nullptr, {"ip", "-j", "route", "get", provider.text()});
    const auto document = nlohmann::json::parse(outcome.output, nullptr, false);
    if (!outcome.ok() || !document.is_array() || document.empty() || !document[0].is_object())
        throw std::runtime_error("there is no route to " + provider.text() +
                                 "; add one: ip route add default via GATEWAY");
    const Address gateway = Address::parse(document[0].value("gateway", "")).value_or(Address());
    return {document[0].value("dev", ""), gateway};
}

class Play {
  public:
    Play(const Interrupts& interrupts, const Request& request, const std::function<void(const Step&)>& show)
        : interrupts_(interrupts), request_(request), show_(show) {}

    Report run();

  private:
    void add(Step step);
    void pass(std::string_view name, std::string text);
    void fail(std::string_view name, std::string text, std::string command = {});
    void skip(std::string_view name);
    void fail_and_find(std::string_view name, const std::string& text);
    bool names_inside(const Heard& message) const;

    void call();
    bool register_phone();
    void call_out();
    void call_in();
    void media(std::string_view name, MediaEnd& phone, const Endpoint& phone_told, MediaEnd& provider,
               const Endpoint& provider_told);
    void hang_up(std::string_view name, End& by, const std::string& bytes, const Endpoint& to, End& other,
                 const SipUser& user);
    void check_closed(std::string_view name, MediaEnd& provider, const Endpoint& told, MediaEnd& phone);

    const Interrupts& interrupts_;
    const Request& request_;
    const std::function<void(const Step&)>& show_;
    Report report_;
    std::optional<RouterCopy> copy_;
    std::unique_ptr<End> phone_, provider_;
    SipUser alice_{"phone", {}, {}}, bob_{"provider", {}, {}};
    std::string registered_;  ///< URI at which the provider reaches the phone
    Endpoint phone_outside_;  ///< the source of the phone's messages, as the provider sees it
};

void Play::add(Step step) {
    report_.steps.push_back(std::move(step));
    show_(report_.steps.back());
}

void Play::pass(std::string_view name, std::string text) {
    add({Step::Result::passed, name, std::move(text), {}});
}

void Play::fail(std::string_view name, std::string text, std::string command) {
    add({Step::Result::failed, name, std::move(text), std::move(command)});
}

void Play::skip(std::string_view name) {
    add({Step::Result::skipped, name, "an earlier step has failed", {}});
}

// The findings are those of the router, because the handles of the copy's rules are others. But a chain
// counts only where the copy's sipalgd has left it closed. And a running daemon may have mended the router,
// by options that the configuration file does not have.
void Play::fail_and_find(std::string_view name, const std::string& text) {
    using doctor::Finding;
    const auto errors = [this] {
        doctor::Subject subject = request_.subject;
        subject.serving = true;  // a chain that sipalgd leaves alone is an error then
        std::vector<Finding> found = doctor::diagnose(subject, doctor::collect(subject));
        std::erase_if(found, [](const Finding& one) { return one.level != doctor::Level::error; });
        return found;
    };
    const auto is_chain = [](const Finding& one) { return one.id == "forward-chain"; };
    std::vector<Finding> found = errors(), of_copy;
    {
        const Inside inside(copy_->router());
        of_copy = errors();
    }
    if (std::none_of(of_copy.begin(), of_copy.end(), is_chain)) std::erase_if(found, is_chain);
    if (found.empty()) found = std::move(of_copy);
    std::string cause, command;
    for (const Finding& finding : found) {
        cause += (cause.empty() ? ": " : "; ") + finding.text;
        if (!finding.command.empty()) command += (command.empty() ? "" : " && ") + finding.command;
    }
    fail(name, text + cause, command);
}

bool Play::names_inside(const Heard& message) const {
    const Address& phone = report_.ends.phone;
    return phone.is_private() && !report_.ends.provider.is_private() &&
           (message.bytes.find("@" + uri_host(phone) + ":") != std::string::npos ||
            message.bytes.find("IN IP4 " + phone.text() + "\r") != std::string::npos);
}

Report Play::run() {
    const Router router = read_router(interrupts_);
    const auto [outside, gateway] = way_out(interrupts_, choose_provider(request_.ends));
    report_.ends = choose_ends(router, request_.ends, outside, gateway);
    const Ends& ends = report_.ends;
    const PrivateDirectory directory(request_.config);
    copy_.emplace(interrupts_, router, ends, request_.subject.table);
    report_.not_copied = copy_->not_copied();
    pass("copy", "phone " + ends.phone.text() + " at " + ends.inside + ", provider " + ends.provider.text() +
                     " at " + ends.outside);
    const std::string before = copy_->ruleset();
    DaemonCopy daemon(interrupts_, copy_->router(), directory, request_.config);
    if (const auto problem = daemon.wait()) {
        fail_and_find("start", "sipalgd does not start: " + *problem);
        for (const char* name : {"register", "call out", "call in", "stop"})
            skip(name);
        return std::move(report_);
    }
    pass("start", "sipalgd serves the copy");
    call();
    if (const auto problem = daemon.stop())
        fail("stop", *problem);
    else if (copy_->ruleset() != before)
        fail("stop", "sipalgd has left rules behind");
    else
        pass("stop", "sipalgd has removed its table and rules");
    return std::move(report_);
}

void Play::call() {
    const Ends& ends = report_.ends;
    const Endpoint phone{ends.phone, sip_port}, provider{ends.provider, sip_port};
    if (request_.transport == Transport::udp) {
        phone_ = std::make_unique<UdpEnd>(interrupts_, copy_->phone(), phone);
        provider_ = std::make_unique<UdpEnd>(interrupts_, copy_->provider(), provider);
    } else {
        phone_ = std::make_unique<TcpEnd>(interrupts_, copy_->phone(), phone, TcpEnd::Role::connects);
        provider_ = std::make_unique<TcpEnd>(interrupts_, copy_->provider(), provider, TcpEnd::Role::listens);
    }
    alice_ = SipUser("phone", phone, request_.transport);
    bob_ = SipUser("provider", provider, request_.transport);
    if (!register_phone()) {
        skip("call out");
        skip("call in");
        return;
    }
    call_out();
    call_in();
}

bool Play::register_phone() {
    Dialog dialog = alice_.dialog("testcall-register", "phone", "sip:testcall.invalid");
    const auto request = exchange(*phone_, alice_.request(dialog, "REGISTER"), provider_->own(), *provider_,
                                  "REGISTER ", dialog.call_id);
    if (!request) {
        fail_and_find("register", "the phone's REGISTER does not reach the provider");
        return false;
    }
    phone_outside_ = request->source;
    registered_ = uri_in(header(request->bytes, "Contact"));
    if (!exchange(*provider_, bob_.response(*request, 200), request->source, *phone_, "SIP/2.0 200",
                  dialog.call_id)) {
        fail_and_find("register", "the provider's answer to REGISTER does not reach the phone");
        return false;
    }
    if (names_inside(*request))
        fail("register", "the REGISTER that the provider gets names the inside address " +
                             report_.ends.phone.text() + ": set mode = auto or rewrite for this peer");
    else
        pass("register", "the provider is told " + registered_);
    return true;
}

void Play::call_out() {
    const Ends& ends = report_.ends;
    MediaEnd phone(interrupts_, copy_->phone(), ends.phone, 40000);
    MediaEnd provider(interrupts_, copy_->provider(), ends.media, 30000);
    Dialog dialog = alice_.dialog("testcall-out", "provider", uri_in(bob_.contact()));
    const auto invite = exchange(*phone_, alice_.request(dialog, "INVITE", description(phone.rtp.own())),
                                 provider_->own(), *provider_, "INVITE ", dialog.call_id);
    const auto told = invite ? media_of(invite->bytes) : std::nullopt;
    if (!told) {
        fail_and_find("call out", "the phone's INVITE does not reach the provider");
        return;
    }
    const auto answer = exchange(*provider_, bob_.response(*invite, 200, description(provider.rtp.own())),
                                 invite->source, *phone_, "SIP/2.0 200", dialog.call_id);
    const auto phone_told = answer ? media_of(answer->bytes) : std::nullopt;
    if (!phone_told) {
        fail_and_find("call out", "the provider's answer does not reach the phone");
        return;
    }
    dialog.remote = header(answer->bytes, "To");
    dialog.target = uri_in(header(answer->bytes, "Contact"));
    phone_->send(alice_.request(dialog, "ACK"), provider_->own());
    if (names_inside(*invite)) {
        fail("call out", "the provider is told to send audio to the inside address " + told->text() +
                             ": set mode = auto or rewrite for this peer");
        return;
    }
    pass("call out", "the provider is told to send audio to " + told->text());
    media("audio of call out", phone, *phone_told, provider, *told);
    hang_up("end of call out", *phone_, alice_.request(dialog, "BYE"), provider_->own(), *provider_, bob_);
    check_closed("end of call out", provider, *told, phone);
}

void Play::call_in() {
    const Ends& ends = report_.ends;
    MediaEnd phone(interrupts_, copy_->phone(), ends.phone, 40010);
    MediaEnd provider(interrupts_, copy_->provider(), ends.media, 30010);
    const Endpoint to = end_of_uri(registered_).value_or(phone_outside_);
    const std::string way =
        request_.transport == Transport::udp ? "to " + to.text() : "on the phone's connection";
    Dialog dialog = bob_.dialog("testcall-in", "phone", registered_);
    const auto invite = exchange(*provider_, bob_.request(dialog, "INVITE", description(provider.rtp.own())),
                                 to, *phone_, "INVITE ", dialog.call_id);
    const auto phone_told = invite ? media_of(invite->bytes) : std::nullopt;
    if (!phone_told) {
        fail_and_find("call in", "the INVITE that the provider sends " + way + " does not reach the phone");
        return;
    }
    const auto answer = exchange(*phone_, alice_.response(*invite, 200, description(phone.rtp.own())),
                                 provider_->own(), *provider_, "SIP/2.0 200", dialog.call_id);
    const auto told = answer ? media_of(answer->bytes) : std::nullopt;
    if (!told) {
        fail_and_find("call in", "the phone's answer does not reach the provider");
        return;
    }
    dialog.remote = header(answer->bytes, "To");
    dialog.target = uri_in(header(answer->bytes, "Contact"));
    provider_->send(bob_.request(dialog, "ACK"), to);
    pass("call in", "the phone gets the INVITE that the provider sends " + way);
    media("audio of call in", phone, *phone_told, provider, *told);
    hang_up("end of call in", *provider_, bob_.request(dialog, "BYE"), to, *phone_, alice_);
    check_closed("end of call in", provider, *told, phone);
}

// The provider's media server, which is another host than its SIP server, sends first (C5).
void Play::media(std::string_view name, MediaEnd& phone, const Endpoint& phone_told, MediaEnd& provider,
                 const Endpoint& provider_told) {
    const auto next = [](Endpoint end) {
        ++end.port;
        return end;
    };
    if (!reaches(provider.rtp, rtp_packet(1), provider_told, phone.rtp))
        fail_and_find(name, "audio from the provider does not reach the phone");
    else if (!reaches(phone.rtp, rtp_packet(1), phone_told, provider.rtp))
        fail_and_find(name, "audio from the phone does not reach the provider");
    else if (!reaches(provider.rtcp, rtcp_packet(), next(provider_told), phone.rtcp) ||
             !reaches(phone.rtcp, rtcp_packet(), next(phone_told), provider.rtcp))
        fail_and_find(name, "RTCP does not pass");
    else
        pass(name, "RTP and RTCP pass in both directions, the provider's first");
}

void Play::hang_up(std::string_view name, End& by, const std::string& bytes, const Endpoint& to, End& other,
                   const SipUser& user) {
    const std::string call_id = header(bytes, "Call-ID");
    const auto bye = exchange(by, bytes, to, other, "BYE ", call_id);
    if (!bye || !exchange(other, user.response(*bye, 200), bye->source, by, "SIP/2.0 200", call_id))
        fail_and_find(name, "the BYE or its answer does not arrive");
}

// C6, C7
void Play::check_closed(std::string_view name, MediaEnd& provider, const Endpoint& told, MediaEnd& phone) {
    if (report_.steps.back().name == name) return;  // it has failed
    if (stops(provider.rtp, told, phone.rtp))
        pass(name, "the ports of the audio are closed");
    else
        fail(name, "audio from the provider still reaches the phone after the end of the call");
}

}  // namespace

std::string_view word(Step::Result result) {
    switch (result) {
        case Step::Result::passed: return "ok";
        case Step::Result::failed: return "failed";
        case Step::Result::skipped: break;
    }
    return "skipped";
}

bool Report::works() const {
    return std::all_of(steps.begin(), steps.end(),
                       [](const Step& step) { return step.result == Step::Result::passed; });
}

// O3
Report play(const Interrupts& interrupts, const Request& request,
            const std::function<void(const Step&)>& show) {
    return Play(interrupts, request, show).run();
}

}  // namespace sipalg::testcall
