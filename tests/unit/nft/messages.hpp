// Reads batches in tests: what the kernel would see, through libnftnl's parsers and not our own.
#pragma once

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sipalg::nft::test {

struct Message {
    std::uint16_t type = 0, flags = 0;
    std::uint32_t sequence = 0;
    const nlmsghdr* header = nullptr;
};

inline std::vector<Message> messages(std::span<const char> bytes) {
    std::vector<Message> all;
    int left = static_cast<int>(bytes.size());
    for (auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data()); mnl_nlmsg_ok(header, left);
         header = mnl_nlmsg_next(header, &left))
        all.push_back({header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq, header});
    return all;
}

inline std::string bytes_of(nftnl_set_elem* element, std::uint16_t attribute) {
    std::uint32_t size = 0;
    const void* data = nftnl_set_elem_get(element, attribute, &size);
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

/// An element message as one line: "new|create|delete|destroy SET KEY [: DATA] [TIMEOUT ms] [note]", keys and
/// data in hexadecimal.
inline std::vector<std::string> element_lines(std::span<const char> bytes) {
    std::vector<std::string> lines;
    for (const Message& message : messages(bytes)) {
        if (message.type >> 8 != NFNL_SUBSYS_NFTABLES) continue;
        std::string what;
        switch (message.type & 0xff) {
            case NFT_MSG_NEWSETELEM: what = message.flags & NLM_F_EXCL ? "create " : "ensure "; break;
            case NFT_MSG_DELSETELEM: what = "remove "; break;
            default: what = "destroy "; break;
        }
        std::unique_ptr<nftnl_set, void (*)(const nftnl_set*)> set(nftnl_set_alloc(), nftnl_set_free);
        if (nftnl_set_elems_nlmsg_parse(message.header, set.get()) < 0) continue;
        what += nftnl_set_get_str(set.get(), NFTNL_SET_NAME);
        struct Context {
            std::vector<std::string>& lines;
            const std::string& what;
        } context{lines, what};
        nftnl_set_elem_foreach(
            set.get(),
            [](nftnl_set_elem* element, void* data) {
                auto& to = *static_cast<Context*>(data);
                const auto hex = [](const std::string& raw) {
                    static const char* digits = "0123456789abcdef";
                    std::string text;
                    for (const char c : raw) {
                        text += digits[static_cast<unsigned char>(c) >> 4];
                        text += digits[static_cast<unsigned char>(c) & 15];
                    }
                    return text;
                };
                std::string line = to.what + " " + hex(bytes_of(element, NFTNL_SET_ELEM_KEY));
                const std::string value = bytes_of(element, NFTNL_SET_ELEM_DATA);
                if (!value.empty()) line += " : " + hex(value);
                if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_TIMEOUT))
                    line +=
                        " " + std::to_string(nftnl_set_elem_get_u64(element, NFTNL_SET_ELEM_TIMEOUT)) + "ms";
                const std::string note = bytes_of(element, NFTNL_SET_ELEM_USERDATA);
                if (!note.empty()) line += " " + hex(note);
                to.lines.push_back(line);
                return 0;
            },
            &context);
    }
    return lines;
}

}  // namespace sipalg::nft::test
