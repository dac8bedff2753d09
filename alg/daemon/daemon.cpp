#include "alg/daemon/daemon.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <utility>

#include "alg/daemon/config/log.hpp"
#include "alg/daemon/run/history_record.hpp"
#include "alg/daemon/run/privileges.hpp"
#include "alg/daemon/run/sockets.hpp"
#include "alg/daemon/run/syscall_filter.hpp"
#include "alg/daemon/settings.hpp"
#include "alg/doctor/findings.hpp"
#include "alg/sys/service_manager.hpp"

namespace sipalg::daemon {

namespace {

constexpr Time sockets_every{30'000};
constexpr Time latched_every{1'000};
constexpr const char* history_section = "history";  // of the state file

std::string list(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

Daemon::Daemon(const CommandLine& command_line, const Options& options)
    : command_line_(command_line),
      options_(options),
      network_(options),
      ruleset_(ruleset_settings(options, network_.outside())),
      monitor_(ruleset_.port()),
      access_(find_access(options)),
      identity_(find_identity()),
      control_(options.control, access_, identity_),
      state_(policy_of(options)),
      kernel_tables_(ruleset_, conntrack_, monitor_,
                     [this](bool refused) { refused ? guard_.check_soon() : guard_.note_missed(); }),
      engine_(state_, kernel_tables_, policy_of(options),
              [this](const Output& output) { packets_.emit(output); }),
      kept_(StateFile(state_path(options), StateFile::origin(options.table))),
      guard_(
          kernel_tables_, [this](Time now) { engine_.end_connections(now); },
          [this](Time now) { return engine_.elements(now); },
          [this](const auto& forwards, Time now) { return set_forwards(forwards, now); },
          [this] { end_old_flows(find_old_flows(ruleset_.read(), false)); }, options_.public_ports),
      own_flows_(options.table),
      flow_reader_([this](const FlowReader::Request& request, const auto& each) {
          if (!request.whole) return own_flows_.read(request.known, each);
          dump_.read(each, with_ipv6_);
          return true;
      }),
      scanner_(
          state_, flow_reader_, [this](std::span<const ConntrackTuple> flows) { conntrack_.erase(flows); },
          [this](std::span<const Event> events, Time now) { engine_.log(events, now); }),
      packets_(options.queue, ruleset_settings(options, {}).shifted_queue(), network_, engine_,
               [this] { with_ipv6_ = true; }),
      tls_watch_(ruleset_settings(options, {}).watch_queue(), state_, conntrack_,
                 [this](std::span<const Event> events) { engine_.log(events, loop_.now()); }),
      socket_reader_(own_sockets),
      addresses_(*this, options.external_addresses),
      memory_([this] {
          state_.shrink();
          network_.egress().flush();
      }),
      answers_({options_, state_, engine_, network_, ruleset_, conntrack_, tls_watch_, packets_, control_,
                access_, [this] { return reload(); }},
               loop_.now()) {
    network_.egress().set_flows(&kernel_tables_);
    add_to_loop();
    set_own_addresses();
    own_sockets_ = own_sockets();
    set_own_sockets();
    give_up_privileges();
    ruleset_.install();
    try {
        take_over_kernel_state();
    } catch (...) {
        ruleset_.remove();
        throw;
    }
}

Daemon::~Daemon() = default;

// Signals first: a SIGTERM before the rules are installed must lead to stop() too.
void Daemon::add_to_loop() {
    loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int signal) { on_signal(signal); });
    for (Queue* queue : packets_.queues())
        loop_.add(queue->descriptor(), EPOLLIN,
                  [this, queue](std::uint32_t) { packets_.receive(*queue, loop_.now()); });
    loop_.add(tls_watch_.queue().descriptor(), EPOLLIN,
              [this](std::uint32_t) { tls_watch_.receive(loop_.now()); });
    loop_.add(network_.descriptor(), EPOLLIN, [this](std::uint32_t) { refresh_network(loop_.now()); });
    loop_.add(monitor_.descriptor(), EPOLLIN, [this](std::uint32_t) {
        if (monitor_.changed()) guard_.check_soon();
    });
    loop_.add(flow_reader_.descriptor(), EPOLLIN, [this](std::uint32_t) { on_scan(); });
    loop_.add(socket_reader_.descriptor(), EPOLLIN, [this](std::uint32_t) { on_sockets(); });
    control_.serve(loop_, [this](std::string_view request, const ControlClient& client) {
        return answers_.answer(request, client, loop_.now());
    });
    engine_.set_feed(feed_);
    engine_.history().keep(options_.history);
    engine_.mask_numbers(options_.mask_numbers);
    control_.serve_streams(
        [this](std::string_view request, const ControlClient& client) {
            return answers_.subscribe(request, client);
        },
        [this](facts::Interest interest) { engine_.set_interest(interest); });
    loop_.after_wake_up([this](Time now) { return step(now); });
}

// X9: everything that needs more than the two capabilities is open by now, and no other thread runs yet.
void Daemon::give_up_privileges() {
    if (const auto warning = reduce_privileges(identity_)) log::warning("{}", *warning);
    if (!options_.config.empty() && access(options_.config.c_str(), R_OK) != 0)
        log::warning(
            "SIGHUP and sipalgctl reload will not be able to read {}: {} (mode 0640 and group {} are enough)",
            options_.config, std::strerror(errno), own_user);
    socket_reader_.request();
    next_sockets_ = loop_.now() + sockets_every;
}

// A5, C12: restores the elements of an earlier run that was killed or has stopped, then reads the flows of
// phones that are already registered.
void Daemon::take_over_kernel_state() {
    const Time now = loop_.now();
    const auto advertised = [this](const Address& address) { return network_.egress().advertised(address); };
    kept_.load();
    if (const auto read = read_history(kept_.section(history_section), engine_.history()); !read)
        log::warning("the history of calls before the last stop is lost: {}", read.error());
    std::vector<StoredElement> stored = ruleset_.read();
    const auto stopped = kept_.put_back(kernel_tables_, stored, now);
    if (stopped) stored = ruleset_.read();
    std::optional<FlowRenewal> old_flows;
    if (ruleset_.keeps_out_of_flowtables()) {
        old_flows = find_old_flows(stored, true);
        if (!adopt(*old_flows, stored)) old_flows.reset();
    }
    engine_.restore(stored, advertised, now);
    set_forwards(ruleset_.port_forwards(), now);
    for (const auto& [pinhole, entry] : state_.mappings.pinholes().all())
        if (pinhole.outside.address.is_v6()) with_ipv6_ = true;
    note_ipv6_delegates();
    addresses_.follow(now);
    scanner_.first(now);
    if (stopped) close_ended(engine_, state_, *stopped, now);
    if (old_flows) end_old_flows(*old_flows);
    static_phones_.advance(engine_, now);
}

// A8
FlowRenewal Daemon::find_old_flows(std::span<const StoredElement> stored, bool adopt) {
    FlowRenewal renewal(
        options_.sip_ports, network_.own_addresses(),
        [this](const Address& address) { return network_.leads_outside(address); }, stored, adopt);
    constexpr bool with_ipv6 = true, with_tcp = true;
    nft::ConntrackDump().read([&](const ConntrackEntry& flow) { renewal.entry(flow); }, with_ipv6, with_tcp);
    return renewal;
}

// A8, C12: puts the elements into the table, and the mappings and diversions among them into `stored`: a
// pinhole that no call or registration has would be removed. False: the kernel refused them.
bool Daemon::adopt(const FlowRenewal& flows, std::vector<StoredElement>& stored) {
    std::vector<Change> changes = flows.adopted();
    changes.insert(changes.end(), flows.pinholes().begin(), flows.pinholes().end());
    if (const auto outcome = ruleset_.apply(changes); !outcome) {
        log::warning("cannot take signalling flows out of flowtables: {}", outcome.error());
        return false;
    }
    for (const Change& change : flows.adopted())
        stored.push_back({change.element, change.timeout});
    return true;
}

// A8
void Daemon::end_old_flows(const FlowRenewal& flows) {
    conntrack_.erase(flows.to_erase());
    if (!flows.to_erase().empty())
        log::info("renewed {} signalling flows that may have been in a flowtable", flows.to_erase().size());
    if (flows.left() > 0)
        log::warning(
            "{} signalling flows are older than sipalgd or the rule with flow add; if a flowtable has them, "
            "their messages pass unread until the phones connect again",
            flows.left());
}

void Daemon::run(const std::function<void()>& serving) {
    try {
        serving();
        if (const auto warning = load_syscall_filter()) log::warning("{}", *warning);
        log::info("serving: outside {}, queue {} ({}), table inet {}", list(network_.outside()),
                  options_.queue, nft::name(ruleset_.queue_method()), options_.table);
        tell_service_manager("READY=1\nSTATUS=Serving, outside " + list(network_.outside()));
        loop_.run();
    } catch (...) {
        stop();
        throw;
    }
    stop();
}

// Remove the rules first so nothing more is queued, then accept what is queued: the kernel drops the rest of
// a queue that closes.
void Daemon::stop() {
    tell_service_manager("STOPPING=1\nSTATUS=Removing the rules");
    engine_.end_connections(loop_.now());
    save_state();
    ruleset_.remove();
    packets_.drain();
    tls_watch_.queue().drain();
    log::info("stopped, all rules removed");
}

// A5: before the tables are removed, so that a daemon that is killed in between loses nothing.
void Daemon::save_state() {
    const Time now = loop_.now();
    StateSections others;
    if (std::string history = write_history(engine_.history()); !history.empty())
        others.add(history_section, std::move(history));
    kept_.save(engine_.elements(now, RecordState::latest), std::move(others), totals(state_), now);
}

// After the verdicts of this wake-up, so that no packet waits for it.
void Daemon::publish_facts() {
    if (feed_.interest() == facts::Interest::nothing) return;
    const FactFeed::Batch batch = feed_.collect();
    if (batch.facts.empty() && batch.lost == 0) return;
    control_.publish(batch.facts, batch.lost, {boot_time(), std::chrono::system_clock::now()});
}

std::optional<Time> Daemon::step(Time now) {
    guard_.advance(now);  // install the rules first, because the next steps change their elements
    if (now >= next_sockets_) {
        socket_reader_.request();
        next_sockets_ = now + sockets_every;
    }
    Time next = next_sockets_;
    if (network_.retry_at() && now >= *network_.retry_at()) refresh_network(now);
    if (state_.awaits_latched(now)) {
        if (now >= next_latched_) note_latched(now);
        next = std::min(next, next_latched_);
    }
    const auto addresses_deadline = addresses_.advance(now);
    const auto engine_deadline = engine_.advance(now);
    next = std::min(next, guard_.advance(now));  // again: the kernel may have refused an element
    // The queues last, because the other parts give verdicts for segments that have waited long enough.
    for (const auto deadline :
         {network_.retry_at(), addresses_deadline, engine_deadline, scanner_.advance(now),
          control_.advance(now), static_phones_.advance(engine_, now), packets_.advance(now)})
        if (deadline) next = std::min(next, *deadline);
    publish_facts();
    memory_.note(state_.entries());
    return next;
}

void Daemon::on_scan() {
    scanner_.readable(loop_.now());
}

void Daemon::on_sockets() {
    auto sockets = socket_reader_.take();
    if (!sockets) return;
    own_sockets_ = std::move(*sockets);
    set_own_sockets();
}

// C11
void Daemon::refresh_network(Time now) {
    const auto news = network_.refresh(now);
    if (!news) {
        if (!network_failed_) log::warning("cannot read the interfaces (trying again): {}", news.error());
        network_failed_ = true;
        return;
    }
    if (network_failed_ && !network_.retry_at()) {
        log::info("read the interfaces again");
        network_failed_ = false;
    }
    if (!news->interfaces) return;
    set_own_addresses();
    socket_reader_.request();
    if (news->outside) guard_.want_outside(network_.outside());
    addresses_.follow(now);
}

void Daemon::note_latched(Time now) {
    next_latched_ = now + latched_every;
    try {
        const std::vector<LatchedSource> sources = ruleset_.read_learned();
        if (!sources.empty()) engine_.note_latched(sources, now);
    } catch (const nft::Error& error) {
        log::debug("cannot read the sources that latches have let in: {}", error.what());
    }
}

void Daemon::on_signal(int signal) {
    if (signal == SIGHUP)
        static_cast<void>(reload());  // it logs the outcome
    else
        loop_.stop();
}

Result<Reloaded> Daemon::reload() {
    tell_service_manager("RELOADING=1");
    auto outcome = daemon::reload(
        options_, [this] { return load_options(command_line_); },
        [this](const Options& wanted) { apply(wanted); });
    if (outcome) {
        log::info("configuration reloaded{}{}", outcome->file.empty() ? "" : " from ", outcome->file);
        if (!outcome->for_restart.empty())
            log::warning("these options change only after a restart: {}", list(outcome->for_restart));
    } else {
        log::error("configuration not changed: {}", outcome.error());
    }
    tell_service_manager("READY=1");
    return outcome;
}

// Precondition: `wanted` differs from options_ only in options that can change at run time.
void Daemon::apply(const Options& wanted) {
    set_log_level(wanted.log_level);
    set_log_format(wanted.log_format);
    engine_.history().keep(wanted.history);
    engine_.mask_numbers(wanted.mask_numbers);
    if (wanted.treatments != options_.treatments) {
        options_.treatments = wanted.treatments;
        state_.set_treatments(wanted.treatments);
        network_.egress().set_treatments(wanted.treatments);
        guard_.want_hosts(hosts_of(wanted.treatments));
        engine_.observer().restart(policy_of(wanted));
        engine_.observer().set_forwards(state_.mappings.forwards(), loop_.now());
        set_own_addresses();
        set_own_sockets();
    }
    options_ = wanted;
    note_ipv6_delegates();
    addresses_.set_external(wanted.external_addresses, loop_.now());
}

// X12
bool Daemon::set_forwards(const std::vector<PortForward>& forwards, Time now) {
    if (forwards != state_.mappings.forwards()) {
        log::info("port ranges that the ruleset forwards: {}; no other host gets their ports",
                  forwards.size());
        state_.mappings.set_forwards(forwards);
        const std::size_t left = state_.mappings.media_ports_left();
        if (left < doctor::enough_media_ports && options_.public_ports.empty())
            log::warning("{}", doctor::sentence(doctor::scarce_media_ports(left)));
    }
    return engine_.set_forwards(forwards, now);
}

// X2
void Daemon::set_own_addresses() {
    for (State* state : {&state_, &engine_.observer().state()})
        state->set_own_addresses(network_.own_addresses());
}

// X2
void Daemon::set_own_sockets() {
    for (State* state : {&state_, &engine_.observer().state()})
        state->set_occupied(own_sockets_);
}

// A phone may name IPv6 media in messages over IPv4.
void Daemon::note_ipv6_delegates() {
    for (const Section& section : options_.treatments.phones)
        for (const Prefix& delegates : section.treatment.delegates)
            if (delegates.address.is_v6()) with_ipv6_ = true;
}

bool Daemon::renumber(std::span<const AddressChange> moves, Time now) {
    return engine_.renumber(moves, now);
}

void Daemon::ends_changed() {
    static_phones_.set(static_endpoints(options_.treatments, network_.egress().ends()));
}

}  // namespace sipalg::daemon
