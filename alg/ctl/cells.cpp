#include "alg/ctl/cells.hpp"

namespace sipalg::ctl {

std::string cell(const Json& object, const char* field) {
    if (!object.is_object() || !object.contains(field)) return {};
    const Json& value = object[field];
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
    return {};
}

bool flag(const Json& object, const char* field) {
    return object.is_object() && object.contains(field) && object[field] == true;
}

Json rows_of(const Json& object, const char* field) {
    return object.is_object() && object.contains(field) && object[field].is_array() ? object[field]
                                                                                    : Json::array();
}

std::int64_t time_of(const Json& object, double per_second) {
    constexpr double latest = 253402300800;  // the year 10000
    if (!object.is_object() || !object.contains("time") || !object["time"].is_number()) return 0;
    const double seconds = object["time"].get<double>();
    return seconds >= 0 && seconds < latest ? static_cast<std::int64_t>(seconds * per_second) : 0;
}

std::string joined(const Json& array) {
    std::string text;
    if (array.is_array())
        for (const Json& item : array)
            text += (text.empty() ? "" : ", ") + (item.is_string() ? item.get<std::string>() : item.dump());
    return text;
}

std::string human(std::int64_t total) {
    const auto part = [](std::int64_t value, const char* unit) { return std::to_string(value) + unit; };
    if (total < 60) return part(total, "s");
    if (total < 3600) return part(total / 60, "m") + part(total % 60, "s");
    if (total < 86400) return part(total / 3600, "h") + part(total % 3600 / 60, "m");
    return part(total / 86400, "d") + part(total % 86400 / 3600, "h");
}

std::string duration(const Json& object, const char* field) {
    const bool known = object.is_object() && object.contains(field) && object[field].is_number_integer();
    return known ? human(object[field].get<std::int64_t>()) : std::string();
}

std::string marked(const Json& row, const std::string& text) {
    return flag(row, "observed") ? text + " (observed)" : text;
}

std::string counted(const std::string& number, const char* noun) {
    return number + " " + noun + (number == "1" ? "" : "s");
}

// The JSON value "untouched" is older than the word.
std::string treatment(const Json& row) {
    const std::string value = cell(row, "treatment"), why = cell(row, "unchanged_why");
    if (!why.empty()) return "unmodified (" + why + ")";
    return value == "untouched" ? "unmodified" : value;
}

}  // namespace sipalg::ctl
