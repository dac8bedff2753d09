#include "alg/sys/number_file.hpp"

#include <fstream>

namespace sipalg {

std::optional<std::int64_t> read_number(const std::string& path) {
    std::ifstream in(path);
    std::int64_t value = 0;
    if (!(in >> value)) return std::nullopt;
    return value;
}

}  // namespace sipalg
