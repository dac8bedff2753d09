#include "alg/daemon/run/daemon.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <limits>

#include "alg/base/escape.hpp"
#include "alg/daemon/run/sockets.hpp"

namespace sipalg::daemon {

namespace {

constexpr Time sockets_every{30'000};
constexpr Time move_again{1'000};
constexpr Time learn_every{1'000};

Policy policy(const Options& options) {
    Policy policy;
    policy.drop_malformed = options.drop_malformed;
    policy.media_low = options.media_low;
    policy.media_high = options.media_high;
    policy.sip_ports = options.sip_ports;
    policy.treatments = options.treatments;
    return policy;
}

std::vector<nft::Peers> allowed_peers(const Treatments& treatments) {
    std::vector<nft::Peers> all;
    for (const Prefix& prefix : treatments.allowed_peers())
        all.push_back({prefix.address, prefix.length});
    return all;
}

std::string list(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

nft::Settings ruleset_settings(const Options& options, const std::vector<std::string>& outside) {
    nft::Settings settings;
    settings.table = options.table;
    settings.outside = outside;
    for (const Setting& inside : options.inside)
        settings.inside.push_back(inside.value);
    settings.sip_ports = options.sip_ports;
    settings.tls_ports = options.tls_ports;
    settings.find_sip = options.find_sip;
    settings.queue = options.queue;
    settings.allowed = allowed_peers(options.treatments);
    settings.accept_in = options.accept_in;
    settings.accept_in_auto = options.accept_in_auto;
    return settings;
}

Daemon::Daemon(const CommandLine& command_line, const Options& options)
    : command_line_(command_line),
      options_(options),
      started_(loop_.now()),
      network_(options),
      ruleset_(ruleset_settings(options, network_.outside())),
      monitor_(ruleset_.port()),
      control_(options.control),
      queue_(options.queue),
      shifted_queue_(ruleset_settings(options, {}).shifted_queue(), WhenFull::drop),
      state_(policy(options)),
      kernel_tables_(ruleset_, conntrack_, monitor_, [this] { guard_.heard(); }),
      engine_(state_, kernel_tables_, policy(options), [this](const Output& output) { carry(output); }),
      guard_(
          kernel_tables_, [this](Time now) { engine_.end_connections(now); },
          [this](Time now) { return state_.elements(now); }),
      tls_watch_(ruleset_settings(options, {}).watch_queue(), state_, conntrack_,
                 [this](std::span<const Event> events) { engine_.log(events, loop_.now()); }),
      reader_([this](const auto& each) { dump_.read(each, with_ipv6_); }),
      scanner_(
          state_, reader_, [this](std::span<const ConntrackTuple> flows) { conntrack_.erase(flows); },
          [this](std::span<const Event> events, Time now) { engine_.log(events, now); }) {
    // Before the rules: a SIGTERM in between must find its way to stop().
    loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
    for (Queue* queue : {&queue_, &shifted_queue_})
        loop_.add(queue->descriptor(), EPOLLIN, [this, queue](std::uint32_t) {
            queue->receive(
                [this](const QueuedPacket& packet, Verdict& verdict) { on_packet(packet, verdict); });
        });
    loop_.add(tls_watch_.queue().descriptor(), EPOLLIN,
              [this](std::uint32_t) { tls_watch_.receive(loop_.now()); });
    loop_.add(network_.descriptor(), EPOLLIN, [this](std::uint32_t) { on_network(); });
    loop_.add(monitor_.descriptor(), EPOLLIN, [this](std::uint32_t) {
        if (monitor_.changed()) guard_.heard();
    });
    loop_.add(reader_.descriptor(), EPOLLIN, [this](std::uint32_t) { on_flows(); });
    loop_.add(socket_reader_.descriptor(), EPOLLIN, [this](std::uint32_t) {
        auto sockets = socket_reader_.take();
        if (!sockets) return;
        own_sockets_ = std::move(*sockets);
        know_own();
    });
    control_.serve(loop_, [this](std::string_view request) { return answer(request); });
    loop_.after_wake_up([this](Time now) { return step(now); });

    external_ = options_.external_addresses;
    own_sockets_ = own_sockets();
    know_own();
    ruleset_.install();
    try {
        const auto advertised = [this](const Address& address) {
            return network_.egress().advertised(address);
        };
        engine_.restore(ruleset_.read(), advertised, loop_.now());
        for (const PinholeReport& open : report_pinholes(state_, loop_.now()))
            if (open.inside.address.is_v6()) with_ipv6_ = true;
        know_families();
        follow_addresses();
        scanner_.first(loop_.now());
        listener_.set(listening(options_.treatments, network_.egress().ends()));
        listener_.advance(engine_, loop_.now());
    } catch (...) {
        ruleset_.remove();
        throw;
    }
}

Daemon::~Daemon() = default;

void Daemon::run(const std::function<void()>& serving) {
    try {
        serving();
        spdlog::info("serving: outside {}, queue {} ({}), table inet {}", list(network_.outside()),
                     options_.queue, nft::name(ruleset_.queue_method()), options_.table);
        sd_notifyf(0, "READY=1\nSTATUS=Serving, outside %s", list(network_.outside()).c_str());
        loop_.run();
    } catch (...) {
        stop();
        throw;
    }
    stop();
}

// First the rules, so that nothing new comes; then what waits in the queue may pass; the kernel would drop
// it.
void Daemon::stop() {
    sd_notify(0, "STOPPING=1\nSTATUS=Removing the rules");
    engine_.end_connections(loop_.now());
    ruleset_.remove();
    postponed_.clear();
    held_.clear();
    for (Queue* queue : {&queue_, &shifted_queue_, &tls_watch_.queue()}) {
        queue->drain();
        queue->flush();
    }
    spdlog::info("stopped, all rules removed");
}

void Daemon::on_packet(const QueuedPacket& packet, Verdict& verdict) {
    if (!packet.whole || packet.bytes.empty()) {
        engine_.count(Reason::unreadable_packet);
        return;
    }
    if (packet.bytes[0] >> 4 == 6) with_ipv6_ = true;
    const Egress egress =
        network_.egress().choose(packet.from, packet.bytes, packet.in_interface, packet.out_interface);
    give_verdict(Arrival(packet.from, packet.bytes, egress, false, ++last_token_), verdict);
}

void Daemon::give_verdict(Arrival arrival, Verdict& verdict) {
    Action fate = engine_.handle(arrival, loop_.now(), Queue::longest_packet);
    if (fate.kind == Action::Kind::scan_first) {
        const auto sweep = postponed_.full() ? std::nullopt : scanner_.ask(loop_.now());
        if (sweep) {
            postponed_.enter(arrival, std::move(verdict), *sweep);
            return;
        }
        arrival.scanned = true;
        fate = engine_.handle(arrival, loop_.now(), Queue::longest_packet);
    }
    if (fate.kind == Action::Kind::replace) verdict.replace(fate.packet);
    if (fate.kind == Action::Kind::drop) verdict.drop();
    if (fate.kind == Action::Kind::hold) held_.emplace(arrival.token, std::move(verdict));
}

void Daemon::flush() {
    queue_.flush();
    shifted_queue_.flush();
}

void Daemon::carry(const Output& output) {
    if (output.kind == Output::Kind::inject) {
        injector_.send(output.from, output.bytes, network_.egress().index_of(output.egress));
        return;
    }
    const auto held = held_.find(output.token);
    if (held == held_.end()) return;
    if (output.kind == Output::Kind::replace) held->second.replace(output.bytes);
    if (output.kind == Output::Kind::drop) held->second.drop();
    held_.erase(held);
}

void Daemon::on_flows() {
    scanner_.readable(loop_.now());
    const bool some = postponed_.leave(scanner_.ended(), [this](const Arrival& arrival, Verdict& verdict) {
        give_verdict(arrival, verdict);
    });
    if (some) flush();
}

void Daemon::on_network() {
    const auto news = network_.refresh(loop_.now());
    if (!news) {
        if (!network_failed_) spdlog::warn("cannot read the interfaces, trying again: {}", news.error());
        network_failed_ = true;
        return;
    }
    if (network_failed_ && !network_.retry_at()) {
        spdlog::info("read the interfaces again");
        network_failed_ = false;
    }
    if (!news->interfaces) return;
    know_own();
    socket_reader_.request();
    if (news->outside) guard_.want_outside(network_.outside());
    follow_addresses();
}

std::optional<Time> Daemon::step(Time now) {
    guard_.advance(now);  // the rules first: what follows changes their elements
    if (now >= next_sockets_) {
        socket_reader_.request();
        next_sockets_ = now + sockets_every;
    }
    if (next_move_ && now >= *next_move_) {
        if (external_to_set_)
            set_external(std::vector<Address>(*external_to_set_));
        else
            follow_addresses();
    }
    Time next = next_sockets_;
    if (network_.retry_at() && now >= *network_.retry_at()) on_network();
    if (network_.retry_at()) next = std::min(next, *network_.retry_at());
    if (state_.awaits_latched(now)) {
        if (now >= next_learning_) learn(now);
        next = std::min(next, next_learning_);
    }
    if (next_move_) next = std::min(next, *next_move_);
    const auto engine_deadline = engine_.advance(now);
    next = std::min(next, guard_.advance(now));  // again: the kernel may have refused an element
    flush();                                     // of segments that have waited long enough
    for (const auto deadline :
         {engine_deadline, scanner_.advance(now), control_.advance(now), listener_.advance(engine_, now),
          queue_.advance(now), shifted_queue_.advance(now)})
        if (deadline) next = std::min(next, *deadline);
    return next;
}

void Daemon::know_own() {
    for (State* state : {&state_, &engine_.observer().state()}) {
        state->set_own_addresses(network_.own_addresses());
        state->set_occupied(own_sockets_);
    }
}

void Daemon::learn(Time now) {
    next_learning_ = now + learn_every;
    try {
        const std::vector<LatchedSource> sources = ruleset_.read_learned();
        if (!sources.empty()) engine_.note_latched(sources, now);
    } catch (const nft::Error& error) {
        spdlog::debug("what latches have let in could not be read: {}", error.what());
    }
}

// False: the kernel refused; it is tried again soon.
bool Daemon::follow_addresses() {
    next_move_.reset();
    listener_.set(listening(options_.treatments, network_.egress().ends()));
    address_tracker_.see(network_.egress().ends());
    const std::vector<AddressChange> moves = address_tracker_.moves(engine_.egresses());
    if (moves.empty()) return true;
    // What waits was sent to, or from, the address before.
    if (postponed_.leave(
            std::numeric_limits<std::uint64_t>::max(),
            [this](const Arrival& arrival, Verdict& verdict) { give_verdict(arrival, verdict); }))
        flush();
    know_own();
    if (engine_.renumber(moves, loop_.now())) return true;
    next_move_ = loop_.now() + move_again;
    return false;
}

// Messages say the new address once calls and bindings are known by it, and not before.
void Daemon::set_external(const std::vector<Address>& external) {
    network_.set_external(external);
    if (follow_addresses()) {
        external_ = external;
        external_to_set_.reset();
    } else {
        network_.set_external(external_);
        address_tracker_.see(network_.egress().ends());
        external_to_set_ = external;
    }
}

void Daemon::on_signal(int signal) {
    if (signal == SIGHUP)
        reload();
    else
        loop_.stop();
}

void Daemon::reload() {
    sd_notify(0, "RELOADING=1");
    try {
        const Options wanted = load_options(command_line_);
        set_log_level(wanted.log_level);
        options_.log_level = wanted.log_level;
        options_.external_addresses = wanted.external_addresses;
        set_treatments(wanted.treatments);
        set_external(wanted.external_addresses);
        spdlog::info("configuration read again{}{}", wanted.config.empty() ? "" : " from ", wanted.config);
        const auto different = differences_that_need_a_restart(options_, wanted);
        if (!different.empty())
            spdlog::warn("changed, but only in force after a restart: {}", list(different));
    } catch (const UsageError& error) {
        spdlog::error("configuration not changed: {}", error.what());
    }
    sd_notify(0, "READY=1");
}

// A phone may name IPv6 media in messages over IPv4.
void Daemon::know_families() {
    for (const Section& section : options_.treatments.phones)
        for (const Prefix& delegates : section.treatment.delegates)
            if (delegates.address.is_v6()) with_ipv6_ = true;
}

void Daemon::set_treatments(const Treatments& treatments) {
    if (treatments == options_.treatments) return;
    options_.treatments = treatments;
    state_.set_treatments(treatments);
    network_.egress().set_treatments(treatments);
    know_families();
    guard_.want_allowed(allowed_peers(treatments));
    listener_.set(listening(treatments, network_.egress().ends()));
    engine_.observer().restart(policy(options_));
    know_own();
}

}  // namespace sipalg::daemon
