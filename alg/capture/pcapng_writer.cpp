#include "alg/capture/pcapng_writer.hpp"

namespace sipalg::capture {

namespace {

constexpr std::uint16_t link_raw = 101;
constexpr std::uint16_t option_comment = 1, option_interface_name = 2, option_user_application = 4;

// The writer's own byte order is little-endian on every machine, so that tests see the same bytes.
void put16(std::string& out, std::size_t value) {
    out += static_cast<char>(value & 255);
    out += static_cast<char>(value >> 8 & 255);
}

void put32(std::string& out, std::uint64_t value) {
    put16(out, value & 0xFFFF);
    put16(out, value >> 16 & 0xFFFF);
}

void pad(std::string& out) {
    out.append((4 - out.size() % 4) % 4, '\0');
}

void put_option(std::string& out, std::uint16_t code, std::string_view value) {
    value = value.substr(0, 0xFFFF);
    put16(out, code);
    put16(out, value.size());
    out += value;
    pad(out);
}

void end_options(std::string& out) {
    put32(out, 0);
}

// `body` is a whole number of words.
std::string block(std::uint32_t type, const std::string& body) {
    std::string out;
    put32(out, type);
    put32(out, body.size() + 12);
    out += body;
    put32(out, body.size() + 12);
    return out;
}

void put_time(std::string& out, std::int64_t time_us) {
    const auto units = static_cast<std::uint64_t>(time_us);
    put32(out, units >> 32);
    put32(out, units & 0xFFFFFFFF);
}

}  // namespace

std::string PcapngWriter::begin(std::string_view program,
                                std::initializer_list<std::string_view> interfaces) {
    std::string section;
    put32(section, 0x1A2B3C4D);
    put16(section, 1);
    put16(section, 0);
    section.append(8, '\xFF');  // the length of the section is not known
    put_option(section, option_user_application, program);
    end_options(section);
    std::string out = block(0x0A0D0D0A, section);
    for (const std::string_view name : interfaces) {
        std::string body;
        put16(body, link_raw);
        put16(body, 0);
        put32(body, 0);  // no limit of length
        put_option(body, option_interface_name, name);
        end_options(body);
        out += block(1, body);
    }
    return out;
}

std::string PcapngWriter::packet(std::uint32_t interface, std::int64_t time_us, Bytes bytes,
                                 std::string_view comment) {
    std::string body;
    put32(body, interface);
    put_time(body, time_us);
    put32(body, bytes.size());
    put32(body, bytes.size());
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    pad(body);
    if (!comment.empty()) {
        put_option(body, option_comment, comment);
        end_options(body);
    }
    return block(6, body);
}

std::string PcapngWriter::comment(std::uint32_t interface, std::int64_t time_us, std::string_view text) {
    std::string body;
    put32(body, interface);
    put_time(body, time_us);
    put_option(body, option_comment, text);
    end_options(body);
    return block(5, body);
}

}  // namespace sipalg::capture
