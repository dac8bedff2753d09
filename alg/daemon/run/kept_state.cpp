#include "alg/daemon/run/kept_state.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "alg/daemon/config/log.hpp"
#include "alg/kernel/element_list.hpp"
#include "alg/policy/timing.hpp"

namespace sipalg::daemon {

namespace {

constexpr const char* elements_section = "elements";

}  // namespace

void KeptState::load() {
    file_.make_directory();
    auto content = file_.read();
    if (content)
        content_ = std::move(*content);
    else
        log::warning("state file {} is not used: {}; calls and registrations before the last stop are lost",
                     file_.path(), content.error());
    if (const std::string obstacle = file_.obstacle(); !obstacle.empty())
        log::warning("no state file can be written, so a stop will lose calls and registrations: {}",
                     obstacle);
}

std::optional<Time> KeptState::put_back(Kernel& kernel, std::span<const StoredElement> elements, Time now) {
    const StateFile::Content content = std::exchange(content_, {});
    if (!content.exists) return std::nullopt;
    if (!elements.empty()) {
        log::info("state file {} is not used: the kernel has the newer state of a daemon that was killed",
                  file_.path());
        file_.remove();
        return std::nullopt;
    }
    const Time elapsed = std::max(now - content.written, Time{0});
    const auto changes = read_elements(content.sections.find(elements_section), elapsed);
    if (!changes) {
        log::warning("state file {} is not used: its elements are of another version of sipalgd",
                     file_.path());
        return std::nullopt;
    }
    if (const auto outcome = kernel.apply(*changes); !outcome) {
        log::warning("state file {} is not used: the kernel refuses its elements: {}", file_.path(),
                     outcome.error());
        return std::nullopt;
    }
    file_.remove();
    return content.written;
}

void KeptState::save(std::span<const Change> elements, StateSections others, const Totals& totals,
                     Time now) const {
    if (totals.calls == 0 && totals.bindings == 0 && others.all().empty()) {
        file_.remove();
        return;
    }
    others.add(elements_section, write_elements(elements));
    if (const auto written = file_.write(others, now); !written) {
        log::error("cannot write the state file {}: {}; {} calls and {} registrations are lost", file_.path(),
                   written.error(), totals.calls, totals.bindings);
        return;
    }
    log::info("kept {} calls and {} registrations for the next start in {}", totals.calls, totals.bindings,
              file_.path());
}

// A5: an idle call may only have the flow of its signalling, which a phone on TCP begins at any port.
void close_ended(Engine& engine, const State& state, Time stopped, Time now) {
    if (now - stopped < transaction_time) return;
    std::set<nat::MappingKey> media;
    for (const auto& [key, call] : state.calls.all())
        for (const nat::MappingKey& mapping : call.mappings)
            if (mapping.inside != call.contact) media.insert(mapping);
    std::set<Address> signalling;  // phones
    for (const auto& [key, entry] : state.mappings.all())
        if (entry.last_flow != Time{0} && !media.contains(key))
            signalling.insert(key.inside.endpoint.address);
    const auto has_media = [&](const nat::MappingKey& key) {
        const nat::MappingEntry* entry = state.mappings.find(key);
        return media.contains(key) && entry && entry->last_flow != Time{0};
    };
    std::vector<CallKey> ended;
    for (const auto& [key, call] : state.calls.all()) {
        if (call.state != call::Call::State::confirmed || call.on_hold() || call.has_session_timer())
            continue;
        if (signalling.contains(call.contact.endpoint.address)) continue;
        if (std::none_of(call.mappings.begin(), call.mappings.end(), has_media)) ended.push_back(key);
    }
    engine.close_calls(
        [&](const CallKey& key) { return std::find(ended.begin(), ended.end(), key) != ended.end(); }, now);
    if (!ended.empty()) log::info("closed {} calls without a flow of media or signalling", ended.size());
}

}  // namespace sipalg::daemon
