// The control protocol: a document as sipalgctl reads it, which an older or newer daemon may have written,
// and a request as the daemon reads it. sipalgctl shows what it knows, or refuses with a sentence; it does
// not end otherwise. Texts are harmless for a terminal.
#include "alg/ctl/call_view.hpp"
#include "alg/ctl/doctor.hpp"
#include "alg/ctl/follow.hpp"
#include "alg/ctl/hep.hpp"
#include "alg/ctl/metrics.hpp"
#include "alg/ctl/recording.hpp"
#include "alg/ctl/screen.hpp"
#include "alg/ctl/view.hpp"
#include "alg/daemon/control/fact_stream.hpp"
#include "tests/fuzz/printable.hpp"

using namespace sipalg;
using ctl::Json;
using fuzz::require;
using fuzz::require_printable;

namespace {

/// The text, or what sipalgctl says about a document that it cannot show.
template <class Function>
std::string shown(const Function& function) {
    try {
        return function();
    } catch (const ctl::NotServing& error) {
        return error.what();
    }
}

const Json& rows_of(const Json& document) {
    return document.is_object() && document.contains("rows") ? document["rows"] : document;
}

void show(const Json& document) {
    const Json& rows = rows_of(document);
    for (const std::size_t room : {ctl::Table::unlimited, std::size_t{80}, std::size_t{7}}) {
        const ctl::Layout layout{room == ctl::Table::unlimited, room, {}};
        for (const char* command : {"status", "call", "close", "reload", "limits", "counters", "calls",
                                    "pinholes", "flows", "bindings"})
            require_printable(shown([&] { return ctl::view(command, rows, layout); }), "a view");
    }
    shown([&] { return ctl::metrics(document, rows); });
    const ctl::Snapshot snapshot{document, rows, rows, rows, {}};
    require_printable(shown([&] { return ctl::screen(snapshot, snapshot, {}, {}); }), "the screen");
    static_cast<void>(ctl::doctor_subject(document));
    static_cast<void>(ctl::silent_peers(rows, rows));
    static_cast<void>(ctl::chosen_rows(rows, "192.168.1.10", "a"));
}

void record(const Json& fact) {
    require_printable(ctl::remark_of(fact), "a remark");
    require_printable(ctl::watch_line(fact), "a line of watch");
    ctl::Recording recording;
    recording.add(fact);
    recording.add(fact);
    recording.flush();
    if (const auto message = ctl::read_message(fact))
        ctl::hep3({message->transport, message->phone, message->peer, message->time_us, 1, message->call_id,
                   message->before});
}

// A message and an event whose texts are the input.
void stream(const Json& request, std::string_view input) {
    auto accepted = daemon::FactStream::of(request);
    if (!accepted) return require(!accepted.error().empty(), "a refusal has a reason");
    daemon::FactStream stream = std::move(*accepted);
    SeenMessage seen;
    seen.phone = *Endpoint::parse("192.168.1.10:5060");
    seen.peer = *Endpoint::parse("203.0.113.10:5060");
    seen.before = input;
    Event event;
    event.subject = event.detail = input;
    for (const facts::Fact& fact :
         {facts::Fact{Time{1}, false, facts::describe(seen)}, facts::Fact{Time{2}, true, event}}) {
        const std::string line = stream.line(fact, {});
        require_printable(line, "a line of the stream");
        require(line.find('\n') == std::string::npos, "a line is one line");
        if (!line.empty()) record(Json::parse(line));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const Json document = Json::parse(input, nullptr, false);
    stream(document.is_discarded() ? Json{{"command", "watch"}, {"bytes", true}} : document, input);
    if (document.is_discarded()) return 0;
    show(document);
    record(document);
    return 0;
}
