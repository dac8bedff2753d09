#include "alg/ctl/doctor.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include "alg/base/escape.hpp"
#include "alg/ctl/cells.hpp"
#include "alg/testcall/program.hpp"

namespace sipalg::ctl {

namespace {

std::size_t count(std::span<const doctor::Finding> findings, doctor::Level level) {
    return static_cast<std::size_t>(std::count_if(
        findings.begin(), findings.end(), [&](const doctor::Finding& each) { return each.level == level; }));
}

template <class T>
T value(const Json& document, const char* name, T otherwise) {
    if (!document.is_object()) return otherwise;
    const auto it = document.find(name);
    if (it == document.end()) return otherwise;
    try {
        return it->template get<T>();
    } catch (const Json::exception&) {
        return otherwise;
    }
}

/// A8. The command that lets signalling pass the rules of this chain ("FAMILY TABLE CHAIN") as they are now;
/// empty: none is found.
std::string flowtable_command(const std::string& chain, const std::string& exemption) {
    testcall::Words words{"nft", "-a", "list", "chain"};
    std::istringstream in(chain);
    for (std::string word; in >> word;)
        words.push_back(word);
    const testcall::Interrupts interrupts;
    return exempting_command(testcall::run(interrupts, nullptr, words).output, chain, exemption);
}

}  // namespace

doctor::Subject doctor_subject(const std::optional<Json>& status) {
    doctor::Subject subject;
    if (!status || !status->is_object()) return subject;
    subject.serving = value(*status, "serving", false);
    subject.table = value(*status, "table", subject.table);
    subject.outside = value(*status, "outside", subject.outside);
    subject.inside = value(*status, "inside", subject.inside);
    subject.sip_ports = value(*status, "sip_ports", subject.sip_ports);
    subject.queue = value(*status, "queue", subject.queue);
    subject.warnings = value(*status, "warnings", subject.warnings);
    if (subject.sip_ports.empty()) subject.sip_ports = {5060};
    if (const auto range = PortRange::parse(value(*status, "media_ports", std::string()))) {
        subject.media_low = range->low;
        subject.media_high = range->high;
    }
    for (const std::string& text : value(*status, "public_ports", std::vector<std::string>()))
        if (const auto range = PortRange::parse(text)) subject.public_ports.push_back(*range);
    for (const Json& end : value(*status, "addresses", Json::array()))
        if (const auto address = Address::parse(value(end, "advertised", std::string())))
            subject.advertised.push_back(*address);
    for (const Json& sign : value(*status, "path_signs", Json::array()))
        subject.path_signs.push_back(
            {value(sign, "peer", std::string()), value(sign, "changed", std::string()),
             value(sign, "left", std::string()), value(sign, "seen", std::string())});
    subject.tls_flows = value(value(*status, "flows", Json::object()), "tls", std::size_t{0});
    return subject;
}

std::optional<Address> address_in(const Json& row, const char* name) {
    const std::string text = value(row, name, std::string());
    if (const auto end = Endpoint::parse(text)) return end->address;
    return Address::parse(text);
}

std::vector<std::string> silent_peers(const Json& calls, const Json& ended) {
    std::map<std::string, bool> silent;  // by the latest call that was measured
    const auto note = [&](const Json& call, bool is_silent) {
        if (const auto address = address_in(call, "peer")) silent.try_emplace(address->text(), is_silent);
    };
    if (calls.is_array())
        for (const Json& call : calls)
            for (const Json& stream : value(call, "media", Json::array()))
                if (value(stream, "silent", std::string()) == "peer") note(call, true);
    if (ended.is_array())
        for (const Json& call : ended) {
            const std::string from = value(call, "media_from", std::string());
            if (from == "both" || from == "phone") note(call, from == "phone");
        }
    std::vector<std::string> peers;
    for (const auto& [peer, is_silent] : silent)
        if (is_silent) peers.push_back(peer);
    return peers;
}

std::string exempting_command(std::string_view listed, const std::string& place,
                              const std::string& exemption) {
    std::string command;
    std::istringstream in{std::string(listed)};
    for (std::string line; std::getline(in, line);) {
        const std::size_t offload = line.find("flow add @"), handle = line.rfind(" # handle ");
        const std::size_t begin = line.find_first_not_of(" \t");
        if (offload == std::string::npos || handle == std::string::npos || handle < offload) continue;
        if (line.find('\'') != std::string::npos) continue;  // it would end the quotes of the command
        if (!command.empty()) command += " && ";
        command += "nft replace rule ";
        command += place;
        command += " handle ";
        command += line.substr(handle + 10);
        command += " '";
        command += line.substr(begin, offload - begin);
        command += exemption;
        command += ' ';
        command += line.substr(offload, handle - offload);
        command += '\'';
    }
    return command;
}

Json doctor_document(std::span<const doctor::Finding> findings) {
    Json all = Json::array();
    for (const doctor::Finding& finding : findings)
        all.push_back({{"level", doctor::word(finding.level)},
                       {"id", finding.id},
                       {"text", finding.text},
                       {"command", finding.command}});
    return {{"findings", std::move(all)},
            {"errors", count(findings, doctor::Level::error)},
            {"warnings", count(findings, doctor::Level::warning)}};
}

std::string doctor_text(std::span<const doctor::Finding> findings) {
    const std::size_t errors = count(findings, doctor::Level::error);
    const std::size_t warnings = count(findings, doctor::Level::warning);
    std::string text = errors + warnings == 0 ? "nothing is wrong\n"
                                              : counted(std::to_string(errors), "error") + ", " +
                                                    counted(std::to_string(warnings), "warning") + "\n";
    for (const doctor::Finding& finding : findings) {
        text += std::string(doctor::word(finding.level)) + ": " + escape(finding.text) + "\n";
        if (!finding.command.empty()) text += "    " + escape(finding.command) + "\n";
    }
    return text;
}

bool healthy(std::span<const doctor::Finding> findings) {
    return std::all_of(findings.begin(), findings.end(),
                       [](const doctor::Finding& each) { return each.level == doctor::Level::note; });
}

int run_doctor(const std::string& control, bool json) {
    if (geteuid() != 0) throw NotServing("doctor reads the ruleset of the kernel: run it as root");
    std::optional<Json> status;
    try {
        status = ask(control, {{"command", "status"}});
    } catch (const NotServing&) {
        // The rest can be examined without a daemon, and its absence is a finding.
    }
    doctor::Subject subject = doctor_subject(status);
    if (status)
        subject.silent_peers = silent_peers(ask(control, {{"command", "calls"}}),
                                            ask(control, {{"command", "calls"}, {"ended", true}}));
    const doctor::Facts facts = doctor::collect(subject);
    auto findings = doctor::diagnose(subject, facts);
    for (doctor::Finding& finding : findings) {
        if (finding.id != "flowtable" || facts.flowtable_chains.empty()) continue;
        std::string command =
            flowtable_command(facts.flowtable_chains.front(), doctor::flowtable_exemption(subject.sip_ports));
        if (!command.empty()) finding.command = std::move(command);
    }
    if (json)
        std::cout << doctor_document(findings).dump(2, ' ', true) << '\n';
    else
        std::cout << doctor_text(findings);
    return healthy(findings) ? 0 : 1;
}

}  // namespace sipalg::ctl
