// How a phone is shown one of its mappings in messages (S2, S4).
#pragma once

#include "alg/rewrite/translation.hpp"

namespace sipalg::nat {

/// Kept with each mapping, so that what comes back is written as the phone wrote it.
struct ShownForm {
    bool inside = false;    ///< the phone is shown the inside endpoint; else the public one, as it writes it
    bool presumed = false;  ///< `inside` is a guess: the phone itself has written nothing yet
    /// How the phone writes the port of the endpoint in a Via and in a URI.
    rewrite::PortForm via_form = rewrite::PortForm::given, uri_form = rewrite::PortForm::given;
    friend bool operator==(const ShownForm&, const ShownForm&) = default;

    /// The phone is to be shown inside values although it has written nothing yet.
    ShownForm when_presumed() const {
        ShownForm form = *this;
        if (!inside) form.inside = form.presumed = true;
        return form;
    }
    /// The phone's inside endpoint was replaced in a message.
    ShownForm when_rewritten() const {
        ShownForm form = *this;
        form.inside = true;
        form.presumed = false;
        return form;
    }
    /// The same in a Via or a URI, with the port in such a form.
    ShownForm when_written(bool via, rewrite::PortForm port) const {
        ShownForm form = when_rewritten();
        (via ? form.via_form : form.uri_form) = port;
        return form;
    }
    /// The phone writes the public endpoint itself. What it has written before stands.
    ShownForm when_public() const {
        ShownForm form = *this;
        if (presumed) form.inside = form.presumed = false;
        return form;
    }
};

}  // namespace sipalg::nat
