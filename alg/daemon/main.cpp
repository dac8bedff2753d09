#include "alg/daemon/start.hpp"

int main(int argc, char** argv) {
    return sipalg::daemon::start({argv + (argc > 0 ? 1 : 0), argv + argc});
}
