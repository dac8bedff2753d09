#include "nft/set_elements.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>

#include <memory>
#include <new>

namespace sipalg::nft {

namespace {

void each_in(const nlmsghdr* message, const std::function<void(nftnl_set_elem*)>& each) {
    std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> part(nftnl_set_alloc(), nftnl_set_free);
    if (!part) throw std::bad_alloc();
    if (nftnl_set_elems_nlmsg_parse(message, part.get()) < 0) return;
    nftnl_set_elem_foreach(
        part.get(),
        [](nftnl_set_elem* element, void* data) {
            (*static_cast<const std::function<void(nftnl_set_elem*)>*>(data))(element);
            return 0;
        },
        const_cast<std::function<void(nftnl_set_elem*)>*>(&each));
}

}  // namespace

bool each_set_element(Link& link, std::uint8_t family, const std::string& table, const std::string& set,
                      const std::function<void(nftnl_set_elem*)>& each) {
    const auto narrow = [&](nlmsghdr* request) {
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
        mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.c_str());
    };
    return link.list(NFT_MSG_GETSETELEM, family, narrow,
                     [&](const nlmsghdr* message) { each_in(message, each); });
}

}  // namespace sipalg::nft
