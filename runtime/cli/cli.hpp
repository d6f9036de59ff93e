#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace geartrain {

/// Where a run of the program reads and writes.
struct cli_streams {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool coloured = false; ///< standard output
};

/// The whole program: parses the arguments (without the program's name) and runs the command. The answer is the exit code.
int run_cli(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment,
            const cli_streams& streams);

} // namespace geartrain
