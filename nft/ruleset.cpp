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

Ruleset::Ruleset(Settings settings) : settings_(std::move(settings)) {
    require(settings_);
    require_ours_or_none(link_, settings_.table);  // the first question: fails without CAP_NET_ADMIN
    try {
        lock_.emplace(settings_.table);
    } catch (const Error&) {
        if (!settings_.lock_optional) throw;
    }
    if (const auto helper = kernel_helper_in_use(link_)) throw Error(*helper);
    accept_rules_.require_suitable();
    choose_expressions();
    choose_removal();
    table_.emplace(settings_, method_, origin_);
}

void Ruleset::write_table(Batch& out, const Table& wanted) {
    wanted.add_contents(out, clear_leftover(link_, out, settings_.table, wanted));
}

// The native statement needs nft_queue in the kernel, and kernels before 5.16 do not know where the
// payload begins. Dry runs show whether this kernel supports them.
void Ruleset::choose_expressions() {
    for (const Origin from : {Origin::payload, Origin::transport}) {
        Committed outcome;
        for (const QueueMethod candidate : {QueueMethod::native, QueueMethod::compat}) {
            const Table wanted(settings_, candidate, from);
            Batch out;
            write_table(out, wanted);
            outcome = link_.rehearse(out);
            method_ = candidate;
            origin_ = from;
            if (outcome || outcome.error().error != ENOENT) break;
        }
        if (outcome || outcome.error().error != EOPNOTSUPP) return;
    }
}

// Destroying a table that does not exist succeeds if the kernel has destroy messages.
void Ruleset::choose_removal() {
    constexpr std::uint16_t destroy_table = 26;  // NFT_MSG_DESTROYTABLE, not in the headers of 6.1
    Batch out;
    mnl_attr_put_strz(out.open(destroy_table, 0, NFPROTO_INET, "a probe"), NFTA_TABLE_NAME,
                      "sipalgd-probe-of-destroy");
    removal_ = link_.rehearse(out) ? Removal::destroy : Removal::ensure_and_remove;
}

// Read and write again if another program has changed the ruleset in between.
template <class Write, class Send>
void Ruleset::attempt(const Write& write, const Send& send) {
    Committed outcome;
    for (int tries = 0; tries < 5; ++tries) {
        batch_.clear();
        write(batch_);
        outcome = send(batch_);
        if (outcome) return;
    }
    throw Error(outcome.error().reason);
}

// A8. Whether the kernel supports the helper for `wanted`. Registers the helper only if `commit`; without
// it, a helper that is not registered yet can't be rehearsed.
OffloadHelper Ruleset::prepare_helper(const Settings& wanted, bool commit) {
    netlink::Channel& channel = *helper_channel_;
    const OffloadHelper found = find_offload_helper(channel);
    if (found == OffloadHelper::unsupported || (found == OffloadHelper::possible && !commit)) return found;
    if (!register_offload_helper(channel)) return OffloadHelper::unsupported;
    Batch out;
    write_table(out, Table(wanted, method_, origin_));
    return link_.rehearse(out) ? OffloadHelper::registered : OffloadHelper::unsupported;
}

// A8. Chooses whether the table keeps signalling out of flowtables. Returns whether that has changed.
bool Ruleset::choose_offload(bool any_offload, bool commit) {
    offload_helper_ = OffloadHelper::unsupported;
    Settings wanted = settings_;
    wanted.keep_out_of_flowtables = any_offload;
    if (any_offload) {
        if (!helper_channel_) helper_channel_ = open_netfilter();
        offload_helper_ = prepare_helper(wanted, commit);
        wanted.keep_out_of_flowtables = offload_helper_ == OffloadHelper::registered;
    }
    if (wanted.keep_out_of_flowtables == settings_.keep_out_of_flowtables) return false;
    settings_ = std::move(wanted);
    table_.emplace(settings_, method_, origin_);
    return true;
}

void Ruleset::write() {
    attempt([&](Batch& out) { write_table(out, *table_); }, [&](Batch& out) { return link_.commit(out); });
    rules_of_table_ = batch_.count(NFT_MSG_NEWRULE);
}

void Ruleset::change(Settings changed) {
    const Table wanted(changed, method_, origin_);
    batch_.clear();
    wanted.replace_settings(batch_);
    if (const auto outcome = link_.commit(batch_); !outcome) throw Error(outcome.error().reason);
    settings_ = std::move(changed);
    table_.emplace(settings_, method_, origin_);
}

std::vector<AcceptIn> Ruleset::accepting_chains() const {
    std::vector<AcceptIn> chains;
    for (const AcceptPlace& place : accept_places())
        if (place.state == AcceptPlace::State::accepting) chains.push_back(place.place);
    return chains;
}

void Ruleset::check() {
    choose_offload(any_that_offloads(list_rules(link_, settings_.table)), false);
    attempt([&](Batch& out) { write_table(out, *table_); }, [&](Batch& out) { return link_.rehearse(out); });
    accept_rules_.rehearse();
}

void Ruleset::install() {
    choose_offload(any_that_offloads(list_rules(link_, settings_.table)), true);
    write();
    accept_rules_.follow();
}

void Ruleset::remove() {
    const std::string& table = settings_.table;
    const auto write = [&](Batch& out) {
        if (presence(link_, table) != Presence::ours) return;
        nlmsghdr* message = out.open(NFT_MSG_DELTABLE, 0, NFPROTO_INET, "deletion of the table");
        mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.c_str());
    };
    attempt(write, [&](Batch& out) { return link_.commit(out); });
    accept_rules_.remove();
}

bool Ruleset::changed_by_others() {
    return link_.changed_by_others();
}

Missing Ruleset::missing(std::span<const Change> expected) {
    const std::string& table = settings_.table;
    const bool whole = presence(link_, table) == Presence::ours &&
                       count_rules(link_, table) >= rules_of_table_ &&
                       !any_set_flushed(link_, table, table_->sets(), expected);
    return whole ? Missing::nothing : Missing::table;
}

std::vector<AcceptPlace> Ruleset::follow() {
    accept_rules_.follow();
    const bool any_offload = accept_rules_.any_offload();
    if (any_offload != settings_.keep_out_of_flowtables && choose_offload(any_offload, true)) write();
    return accept_rules_.take_news();
}

std::optional<std::string> Ruleset::kernel_helper() {
    return kernel_helper_in_use(link_);
}

const std::vector<std::string>& Ruleset::offloading_chains() const {
    return offload_helper_ == OffloadHelper::unsupported ? accept_rules_.offloading() : none_;
}

std::vector<PortForward> Ruleset::port_forwards() {
    return nft::port_forwards(link_, settings_.table, settings_.outside);
}

void Ruleset::set_outside(const std::vector<std::string>& interfaces) {
    require_interfaces(interfaces);
    Settings changed = settings_;
    changed.outside = interfaces;
    change(std::move(changed));
}

void Ruleset::set_hosts(const Hosts& hosts) {
    Settings changed = settings_;
    changed.hosts = hosts;
    change(std::move(changed));
}

void Ruleset::ask_uplink(const ConntrackTuple& flow) {
    constexpr Seconds within{2};
    const auto write = [&](Batch& out) {
        ElementWriter(out, settings_.table)
            .put(ElementWriter::Kind::ensure, Entry{set_name::unsettled, key_of(flow), {}, {}, false},
                 within);
    };
    attempt(write, [&](Batch& out) { return link_.commit(out); });
}

std::optional<std::string> Ruleset::uplink_of(const ConntrackTuple& flow) {
    return read_uplink(link_, settings_.table, flow);
}

std::vector<StoredElement> Ruleset::read() {
    return read_elements(link_, settings_.table);
}

std::vector<LatchedSource> Ruleset::read_learned() {
    return nft::read_latched(link_, settings_.table);
}

std::optional<std::uint16_t> Ruleset::inside_port(const Endpoint& outside, const Address& phone) {
    return read_seen(link_, settings_.table, outside, phone);
}

Result<> Ruleset::apply(std::span<const Change> changes) {
    if (auto valid = validate(changes); !valid) return valid;
    const std::string& table = settings_.table;
    batch_.clear();
    append_changes(batch_, table, changes, removal_);
    if (link_.commit(batch_)) return {};

    try {
        MapContents maps;
        if (!read_maps(link_, table, maps))
            return Failure{"table inet " + table + " is gone from the kernel"};
        batch_.clear();
        append_carefully(batch_, table, changes, maps);
    } catch (const Error& error) {
        return Failure{std::string(error.what())};
    }
    if (const auto outcome = link_.commit(batch_); !outcome) return Failure{outcome.error().reason};
    return {};
}

std::string Ruleset::text() const {
    std::string text = table_->text();
    for (const AcceptIn& place : accepting_chains())
        text += "insert rule " + describe(place) + " " + accept_rules_.rule(place).text() + "\n";
    return text;
}

}  // namespace sipalg::nft
