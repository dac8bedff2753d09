#include "nft/ruleset.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "nft/accept_rules.hpp"
#include "nft/helper.hpp"
#include "nft/leftover.hpp"
#include "nft/link.hpp"
#include "nft/listing.hpp"
#include "nft/offload_helper.hpp"
#include "nft/port_forwards.hpp"
#include "nft/stored.hpp"
#include "nft/table.hpp"
#include "nft/table_lock.hpp"
#include "nft/transaction.hpp"

namespace sipalg::nft {

namespace {

void require_interfaces(const std::vector<std::string>& names) {
    for (const std::string& name : names)
        if (name.empty() || name.size() >= IFNAMSIZ || name.find_first_of("\"/ \t\n") != std::string::npos)
            throw Error("\"" + name +
                        "\" is not an interface name (expected 1 to 15 characters without blanks)");
}

void require(const Settings& settings) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    };
    const std::string& table = settings.table;
    if (table.empty() || table.size() > 64 || !std::all_of(table.begin(), table.end(), fits) ||
        (table[0] >= '0' && table[0] <= '9') || table[0] == '-')
        throw Error("table name \"" + table +
                    "\" is not a table name (expected 1 to 64 letters, digits, `_` or `-`, the first a "
                    "letter or `_`)");
    require_interfaces(settings.outside);
    require_interfaces(settings.inside);
    if (settings.queues == 0 || settings.queue + settings.queues + 1 > 65535)
        throw Error("queue numbers must be between 0 and 65535");
}

}  // namespace

std::string name(QueueMethod method) {
    return method == QueueMethod::native ? "native" : "compat";
}

struct Ruleset::Impl {
    explicit Impl(Settings given) : settings(std::move(given)) {
        require(settings);
        require_ours_or_none(link, settings.table);  // the first question: fails without CAP_NET_ADMIN
        try {
            lock.emplace(settings.table);
        } catch (const Error&) {
            if (!settings.lock_optional) throw;
        }
        if (const auto helper = kernel_helper_in_use(link)) throw Error(*helper);
        accept_rules.require_suitable();
        choose_expressions();
        choose_removal();
        table.emplace(settings, method, origin);
    }

    void write_table(Batch& out, const Table& wanted) {
        wanted.add_contents(out, clear_leftover(link, out, settings.table, wanted));
    }

    // The native statement needs nft_queue in the kernel, and kernels before 5.16 do not know where the
    // payload begins. Dry runs show whether this kernel supports them.
    void choose_expressions() {
        for (const Origin from : {Origin::payload, Origin::transport}) {
            Committed outcome;
            for (const QueueMethod candidate : {QueueMethod::native, QueueMethod::compat}) {
                const Table wanted(settings, candidate, from);
                Batch out;
                write_table(out, wanted);
                outcome = link.rehearse(out);
                method = candidate;
                origin = from;
                if (outcome || outcome.error().error != ENOENT) break;
            }
            if (outcome || outcome.error().error != EOPNOTSUPP) return;
        }
    }

    // Destroying a table that does not exist succeeds if the kernel has destroy messages.
    void choose_removal() {
        constexpr std::uint16_t destroy_table = 26;  // NFT_MSG_DESTROYTABLE, not in the headers of 6.1
        Batch out;
        mnl_attr_put_strz(out.open(destroy_table, 0, NFPROTO_INET, "a probe"), NFTA_TABLE_NAME,
                          "sipalgd-probe-of-destroy");
        removal = link.rehearse(out) ? Removal::destroy : Removal::ensure_and_remove;
    }

    // Read and write again if another program has changed the ruleset in between.
    template <class Write, class Send>
    void attempt(const Write& write, const Send& send) {
        Committed outcome;
        for (int tries = 0; tries < 5; ++tries) {
            batch.clear();
            write(batch);
            outcome = send(batch);
            if (outcome) return;
        }
        throw Error(outcome.error().reason);
    }

    // A8. Whether the kernel supports the helper for `wanted`. Registers the helper only if `commit`; without
    // it, a helper that is not registered yet can't be rehearsed.
    OffloadHelper prepare_helper(const Settings& wanted, bool commit) {
        netlink::Channel& channel = *helper_channel;
        const OffloadHelper found = find_offload_helper(channel);
        if (found == OffloadHelper::unsupported || (found == OffloadHelper::possible && !commit))
            return found;
        if (!register_offload_helper(channel)) return OffloadHelper::unsupported;
        Batch out;
        write_table(out, Table(wanted, method, origin));
        return link.rehearse(out) ? OffloadHelper::registered : OffloadHelper::unsupported;
    }

    // A8. Chooses whether the table keeps signalling out of flowtables. Returns whether that has changed.
    bool choose_offload(bool any_offload, bool commit) {
        offload_helper = OffloadHelper::unsupported;
        Settings wanted = settings;
        wanted.keep_out_of_flowtables = any_offload;
        if (any_offload) {
            if (!helper_channel) helper_channel = open_netfilter();
            offload_helper = prepare_helper(wanted, commit);
            wanted.keep_out_of_flowtables = offload_helper == OffloadHelper::registered;
        }
        if (wanted.keep_out_of_flowtables == settings.keep_out_of_flowtables) return false;
        settings = std::move(wanted);
        table.emplace(settings, method, origin);
        return true;
    }

    void write() {
        attempt([&](Batch& out) { write_table(out, *table); }, [&](Batch& out) { return link.commit(out); });
        rules_of_table = batch.count(NFT_MSG_NEWRULE);
    }

    void change(Settings changed) {
        const Table wanted(changed, method, origin);
        batch.clear();
        wanted.replace_settings(batch);
        if (const auto outcome = link.commit(batch); !outcome) throw Error(outcome.error().reason);
        settings = std::move(changed);
        table.emplace(settings, method, origin);
    }

    Settings settings;
    Link link;
    std::optional<TableLock> lock;
    QueueMethod method = QueueMethod::native;
    Origin origin = Origin::payload;
    Removal removal = Removal::ensure_and_remove;
    AcceptRules accept_rules{link, settings};
    std::optional<Table> table;
    std::unique_ptr<netlink::Channel> helper_channel;  // only with a rule that offloads
    OffloadHelper offload_helper = OffloadHelper::unsupported;
    const std::vector<std::string> none;
    std::size_t rules_of_table = 0;  // as installed
    Batch batch;
};

Ruleset::Ruleset(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Ruleset::~Ruleset() = default;

bool Ruleset::has_lock() const {
    return impl_->lock.has_value();
}

QueueMethod Ruleset::queue_method() const {
    return impl_->method;
}

bool Ruleset::sees_streams() const {
    return impl_->origin == Origin::payload;
}

const std::vector<AcceptPlace>& Ruleset::accept_places() const {
    return impl_->accept_rules.places();
}

std::vector<AcceptIn> Ruleset::accepting_chains() const {
    std::vector<AcceptIn> chains;
    for (const AcceptPlace& place : accept_places())
        if (place.state == AcceptPlace::State::accepting) chains.push_back(place.place);
    return chains;
}

void Ruleset::check() {
    impl_->choose_offload(any_that_offloads(list_rules(impl_->link, impl_->settings.table)), false);
    impl_->attempt([&](Batch& out) { impl_->write_table(out, *impl_->table); },
                   [&](Batch& out) { return impl_->link.rehearse(out); });
    impl_->accept_rules.rehearse();
}

void Ruleset::install() {
    impl_->choose_offload(any_that_offloads(list_rules(impl_->link, impl_->settings.table)), true);
    impl_->write();
    impl_->accept_rules.follow();
}

void Ruleset::remove() {
    const std::string& table = impl_->settings.table;
    const auto write = [&](Batch& out) {
        if (presence(impl_->link, table) != Presence::ours) return;
        nlmsghdr* message = out.open(NFT_MSG_DELTABLE, 0, NFPROTO_INET, "deletion of the table");
        mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.c_str());
    };
    impl_->attempt(write, [&](Batch& out) { return impl_->link.commit(out); });
    impl_->accept_rules.remove();
}

bool Ruleset::changed_by_others() {
    return impl_->link.changed_by_others();
}

Missing Ruleset::missing(std::span<const Change> expected) const {
    const std::string& table = impl_->settings.table;
    const bool whole = presence(impl_->link, table) == Presence::ours &&
                       count_rules(impl_->link, table) >= impl_->rules_of_table &&
                       !any_set_flushed(impl_->link, table, impl_->table->sets(), expected);
    return whole ? Missing::nothing : Missing::table;
}

std::vector<AcceptPlace> Ruleset::follow() {
    impl_->accept_rules.follow();
    const bool any_offload = impl_->accept_rules.any_offload();
    if (any_offload != impl_->settings.keep_out_of_flowtables && impl_->choose_offload(any_offload, true))
        impl_->write();
    return impl_->accept_rules.take_news();
}

std::optional<std::string> Ruleset::kernel_helper() const {
    return kernel_helper_in_use(impl_->link);
}

const std::vector<std::string>& Ruleset::offloading_chains() const {
    return impl_->offload_helper == OffloadHelper::unsupported ? impl_->accept_rules.offloading()
                                                               : impl_->none;
}

bool Ruleset::keeps_out_of_flowtables() const {
    return impl_->settings.keep_out_of_flowtables;
}

std::vector<PortForward> Ruleset::port_forwards() const {
    return nft::port_forwards(impl_->link, impl_->settings.table, impl_->settings.outside);
}

std::uint32_t Ruleset::port() const {
    return impl_->link.port();
}

void Ruleset::set_outside(const std::vector<std::string>& interfaces) {
    require_interfaces(interfaces);
    Settings changed = impl_->settings;
    changed.outside = interfaces;
    impl_->change(std::move(changed));
}

void Ruleset::set_hosts(const Hosts& hosts) {
    Settings changed = impl_->settings;
    changed.hosts = hosts;
    impl_->change(std::move(changed));
}

void Ruleset::ask_uplink(const ConntrackTuple& flow) {
    constexpr Seconds within{2};
    const auto write = [&](Batch& out) {
        ElementWriter(out, impl_->settings.table)
            .put(ElementWriter::Kind::ensure, Entry{set_name::unsettled, key_of(flow), {}, {}, false},
                 within);
    };
    impl_->attempt(write, [&](Batch& out) { return impl_->link.commit(out); });
}

std::optional<std::string> Ruleset::uplink_of(const ConntrackTuple& flow) const {
    return read_uplink(impl_->link, impl_->settings.table, flow);
}

std::vector<StoredElement> Ruleset::read() const {
    return read_elements(impl_->link, impl_->settings.table);
}

std::vector<LatchedSource> Ruleset::read_learned() const {
    return nft::read_latched(impl_->link, impl_->settings.table);
}

std::optional<std::uint16_t> Ruleset::inside_port(const Endpoint& outside, const Address& phone) const {
    return read_seen(impl_->link, impl_->settings.table, outside, phone);
}

Result<> Ruleset::apply(std::span<const Change> changes) {
    if (auto valid = validate(changes); !valid) return valid;
    Batch& batch = impl_->batch;
    const std::string& table = impl_->settings.table;
    batch.clear();
    append_changes(batch, table, changes, impl_->removal);
    if (impl_->link.commit(batch)) return {};

    try {
        MapContents maps;
        if (!read_maps(impl_->link, table, maps))
            return Failure{"table inet " + table + " is gone from the kernel"};
        batch.clear();
        append_carefully(batch, table, changes, maps);
    } catch (const Error& error) {
        return Failure{std::string(error.what())};
    }
    if (const auto outcome = impl_->link.commit(batch); !outcome) return Failure{outcome.error().reason};
    return {};
}

std::string Ruleset::text() const {
    std::string text = impl_->table->text();
    for (const AcceptIn& place : accepting_chains())
        text += "insert rule " + describe(place) + " " + impl_->accept_rules.rule(place).text() + "\n";
    return text;
}

}  // namespace sipalg::nft
