#include "nft/table_reader.hpp"

#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <new>
#include <utility>

#include "nft/set_elements.hpp"

namespace sipalg::nft {

namespace {

// Not the operator of the vectors, of which g++ 14 warns falsely at -O3.
bool is_lower(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
    const auto text = [](const std::vector<std::uint8_t>& bytes) {
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    return text(a) < text(b);
}

}  // namespace

std::span<const std::uint8_t> data_of(const nftnl_expr* expression, std::uint16_t attribute) {
    std::uint32_t size = 0;
    const void* data = nftnl_expr_get(expression, attribute, &size);
    return data == nullptr ? std::span<const std::uint8_t>()
                           : std::span(static_cast<const std::uint8_t*>(data), size);
}

std::string_view text_of(const nftnl_expr* expression, std::uint16_t attribute) {
    const char* text = nftnl_expr_get_str(expression, attribute);
    return text == nullptr ? std::string_view() : text;
}

TableReader::Expressions expressions_of(nftnl_rule* rule) {
    TableReader::Expressions expressions;
    nftnl_expr_foreach(
        rule,
        [](nftnl_expr* expression, void* data) {
            static_cast<TableReader::Expressions*>(data)->push_back(expression);
            return 0;
        },
        &expressions);
    return expressions;
}

TableReader::TableReader(Link& link, std::uint8_t family, std::string table)
    : link_(&link), family_(family), table_(std::move(table)) {
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_RULE_TABLE, table_.c_str());
    };
    link.list(NFT_MSG_GETRULE, family_, narrow, [&](const nlmsghdr* message) {
        RuleHandle rule(nftnl_rule_alloc());
        if (!rule) throw std::bad_alloc();
        if (nftnl_rule_nlmsg_parse(message, rule.get()) < 0) return;
        Expressions expressions = expressions_of(rule.get());
        const std::string chain = nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN);
        rules_[chain].push_back({std::move(rule), std::move(expressions)});
    });
}

const std::vector<TableReader::Rule>& TableReader::rules(const std::string& chain) {
    return rules_[chain];
}

// A set of intervals has an element for each first key, and one with a flag for the key after the last one,
// unless another interval begins there.
const std::vector<SetElement>& TableReader::elements(const std::string& set) {
    const auto [at, added] = sets_.try_emplace(set);
    if (!added || link_ == nullptr) return at->second;
    std::vector<SetElement> starts;
    std::vector<std::vector<std::uint8_t>> ends;
    each_set_element(*link_, family_, table_, set, [&](nftnl_set_elem* element) {
        const auto bytes = [&](std::uint16_t attribute) {
            std::uint32_t size = 0;
            const auto* value = static_cast<const std::uint8_t*>(
                nftnl_set_elem_is_set(element, attribute) ? nftnl_set_elem_get(element, attribute, &size)
                                                          : nullptr);
            return value == nullptr ? std::vector<std::uint8_t>()
                                    : std::vector<std::uint8_t>(value, value + size);
        };
        const std::uint32_t flags = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS)
                                        ? nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS)
                                        : 0;
        SetElement seen;
        seen.low = bytes(NFTNL_SET_ELEM_KEY);
        seen.high = bytes(NFTNL_SET_ELEM_KEY_END);
        seen.data = bytes(NFTNL_SET_ELEM_DATA);
        if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_VERDICT))
            seen.verdict = static_cast<std::int32_t>(nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_VERDICT));
        if (const char* chain = nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN)) seen.chain = chain;
        if (flags & NFT_SET_ELEM_INTERVAL_END)
            ends.push_back(std::move(seen.low));
        else
            starts.push_back(std::move(seen));
    });
    if (!ends.empty())
        for (const SetElement& element : starts)
            ends.push_back(element.low);
    std::sort(ends.begin(), ends.end(), is_lower);
    for (SetElement& element : starts) {
        if (!element.high.empty()) continue;
        element.high = element.low;
        if (ends.empty()) continue;
        const auto end = std::upper_bound(ends.begin(), ends.end(), element.low, is_lower);
        if (end == ends.end()) {
            std::fill(element.high.begin(), element.high.end(), std::uint8_t{0xff});
            continue;
        }
        element.high = *end;  // less one
        for (auto byte = element.high.rbegin(); byte != element.high.rend() && (*byte)-- == 0; ++byte) {
        }
    }
    return at->second = std::move(starts);
}

}  // namespace sipalg::nft
