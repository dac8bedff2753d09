#include "alg/ctl/test_call.hpp"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "alg/base/escape.hpp"
#include "alg/ctl/doctor.hpp"

namespace sipalg::ctl {

namespace {

std::optional<Json> ask_if_serving(const std::string& control, const char* command) {
    try {
        return ask(control, {{"command", command}});
    } catch (const NotServing&) {
        return std::nullopt;  // the call needs no running daemon
    }
}

}  // namespace

testcall::Request test_call_request(const Options& options, const std::optional<Json>& status,
                                    const std::optional<Json>& bindings) {
    testcall::Request request;
    request.subject = doctor_subject(status);
    request.config = options.config;
    request.ends.inside = request.subject.inside;
    request.transport = options.tcp ? Transport::tcp : Transport::udp;
    request.ends.phone = Address::parse(options.phone);
    request.ends.provider = Address::parse(options.peer);
    const auto named = request.ends.provider ? request.ends.provider : request.ends.phone;
    if (named) request.ends.family = named->family();
    // A phone that is registered, and its registrar: the owner's rules may name them.
    if (bindings && bindings->is_array())
        for (const Json& row : *bindings) {
            if (!row.is_object()) continue;
            const auto phone = address_in(row, "inside"), registrar = address_in(row, "registrar");
            const Family family = request.ends.family;
            if (!phone || !registrar || phone->family() != family || registrar->family() != family) continue;
            if (!request.ends.known_phone) request.ends.known_phone = phone;
            if (!request.ends.provider) request.ends.provider = registrar;
        }
    return request;
}

Json test_call_document(const testcall::Report& report) {
    Json steps = Json::array();
    for (const testcall::Step& step : report.steps)
        steps.push_back({{"step", step.name},
                         {"result", testcall::word(step.result)},
                         {"text", step.text},
                         {"command", step.command}});
    return {{"works", report.works()},
            {"phone", report.ends.phone.text()},
            {"provider", report.ends.provider.text()},
            {"steps", std::move(steps)},
            {"not_copied", report.not_copied}};
}

std::string step_text(const testcall::Step& step) {
    std::string result(testcall::word(step.result)), name(step.name);
    result.resize(9, ' ');
    name.resize(19, ' ');
    std::string text = result + name + escape(step.text) + "\n";
    if (!step.command.empty()) text += "    " + escape(step.command) + "\n";
    return text;
}

std::string test_call_end(const testcall::Report& report) {
    std::string text = report.works() ? "calls work on this router\n" : "calls do not work on this router\n";
    for (const std::string& part : report.not_copied)
        text += "not copied: " + escape(part) + "\n";
    return text + "not tested: everything beyond this router, and the provider itself\n";
}

// O3
int run_test_call(const Options& options) {
    if (geteuid() != 0) throw NotServing("doctor --call makes network namespaces: run it as root");
    testcall::Request request = test_call_request(options, ask_if_serving(options.control, "status"),
                                                  ask_if_serving(options.control, "bindings"));
    if (!request.config.empty()) request.config = std::filesystem::absolute(request.config);
    const testcall::Interrupts interrupts;
    try {
        const testcall::Report report = testcall::play(interrupts, request, [&](const testcall::Step& step) {
            if (!options.json) std::cout << step_text(step) << std::flush;
        });
        if (options.json)
            std::cout << test_call_document(report).dump(2, ' ', true) << '\n';
        else
            std::cout << test_call_end(report);
        return report.works() ? 0 : 1;
    } catch (const testcall::Interrupted& interrupted) {
        std::cerr << "sipalgctl: interrupted\n";
        return 128 + interrupted.signal;
    }
}

}  // namespace sipalg::ctl
