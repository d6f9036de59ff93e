#include "runtime/cli/cli.hpp"
#include "runtime/cli/style.hpp"
#include "runtime/config_loader.hpp"

#include <unistd.h>

#include <iostream>

int main(int argc, char** argv) {
  bool terminal = isatty(STDOUT_FILENO) == 1;
  geartrain::cli_streams streams{std::cout, std::cerr, terminal, geartrain::style::wanted_on(STDOUT_FILENO)};
  return geartrain::run_cli({argv + 1, argv + argc}, geartrain::process_environment(), streams);
}
