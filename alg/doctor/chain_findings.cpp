#include "alg/doctor/chain_findings.hpp"

#include <cstdint>

#include "nft/path_check.hpp"

namespace sipalg::doctor {

namespace {

// What drops the packets. `handle` 0: the policy of the chain.
std::string culprit(std::uint64_t handle) {
    return handle == 0 ? "its policy" : "rule handle " + std::to_string(handle);
}

// A rule that accepts the same packets in the chain that drops them.
Finding drop_below_ip(const nft::PathTrouble& trouble, const std::string& at, const Subject& subject) {
    std::string ports;
    for (const std::uint16_t port : subject.sip_ports)
        ports += std::to_string(port) + ", ";
    const bool between_ports = trouble.place.family == "bridge" && trouble.hook == "forward";
    return {between_ports ? Level::warning : Level::error, "other-chain",
            at + "drops " + trouble.traffic + " over " + trouble.families + " (" + culprit(trouble.handle) +
                (between_ports ? "), so calls between hosts of a bridge fail"
                               : "), where sipalg puts no rule and reads no packet"),
            "nft insert rule " + nft::describe(trouble.place) + " 'udp dport { " + ports +
                std::to_string(subject.media_low) + "-" + std::to_string(subject.media_high) + " } accept'"};
}

// A4: at priorities and hooks where sipalgd puts no rule.
Finding trouble_on_the_path(const nft::PathTrouble& trouble, const Subject& subject) {
    using Kind = nft::PathTrouble::Kind;
    const std::string chain = nft::describe(trouble.place), handle = std::to_string(trouble.handle);
    const std::string at = "chain " + chain + " of the " + trouble.hook + " hook ";
    const std::string drops = at + "drops packets that come in through pinholes over " + trouble.families +
                              " (" + culprit(trouble.handle) + ")";
    switch (trouble.kind) {
        case Kind::drops:
            return {Level::error, "other-chain", drops + ", and sipalgd puts a rule only into forward chains",
                    nft::accept_command(trouble.place)};
        case Kind::drops_before:
            return {
                Level::error,
                "other-chain",
                drops +
                    " before sipalgd can mark them, at priority dstnat - 5; drop them in the forward hook",
                {}};
        case Kind::clears_mark:
            return {
                Level::error,
                "mark",
                at + "sets the whole mark of connections (rule handle " + handle +
                    "), so the rule that accepts pinholes does not match; write it as `ct mark set ct mark & "
                    "0x10000000 | VALUE`",
                {}};
        case Kind::untracks:
            return {Level::error, "untracked",
                    at + "keeps signalling from connection tracking (rule handle " + handle +
                        "), so it is not translated, and nothing opens for the peer",
                    "nft delete rule " + chain + " handle " + handle};
        case Kind::translates:
            return {Level::error, "early-nat",
                    at + "translates the destination of signalling over " + trouble.families +
                        " (rule handle " + handle +
                        ") before sipalg can, at priority dstnat - 5, so it does not reach the phone; delete "
                        "the rule, or write it into a chain of priority dstnat",
                    "nft delete rule " + chain + " handle " + handle};
        case Kind::drops_below_ip: return drop_below_ip(trouble, at, subject);
    }
    return {};
}

}  // namespace

std::string quoted(const std::string& text) {
    const auto first = text.find('`'), last = text.find('`', first + 1);
    if (first == std::string::npos || last == std::string::npos) return {};
    return text.substr(first + 1, last - first - 1);
}

// A4
void append_chain_findings(const Subject& subject, const Facts& facts, std::vector<Finding>& found) {
    for (const ForwardChain& chain : facts.chains) {
        if (!chain.refused.empty()) {
            found.push_back({Level::error, "forward-chain",
                             "chain " + chain.place + " can drop packets of pinholes: " + chain.refused,
                             quoted(chain.refused)});
            continue;
        }
        if (chain.drops.empty()) continue;
        const std::string text = "chain " + chain.place +
                                 " drops packets that come in through pinholes over " + chain.drops + " (" +
                                 culprit(chain.handle) +
                                 (chain.some ? "), unless an earlier rule accepts some of them" : ")");
        if (subject.serving)
            found.push_back({Level::error, "forward-chain", text + "; use accept-in = auto, or add the rule",
                             nft::nft_accept_command(chain.place)});
        else
            found.push_back({Level::note,
                             "forward-chain",
                             text + "; sipalgd puts a rule there that accepts them when it starts",
                             {}});
    }
    for (const nft::PathTrouble& trouble : facts.path_troubles)
        found.push_back(trouble_on_the_path(trouble, subject));
}

}  // namespace sipalg::doctor
