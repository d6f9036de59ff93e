#pragma once

#include "messages/template.hpp"
#include "tests/property/oracle.hpp"

#include <cstdint>
#include <string>
#include <vector>

// Valid templates out of arbitrary numbers, so that whatever generates and shrinks numbers does so with templates.

namespace geartrain::oracle {

/// What one step is made of. Every value means something.
struct step_numbers {
  std::uint16_t kind = 0;
  std::uint16_t parents = 0;
  std::uint16_t first_parent = 0;
  std::uint16_t settings = 0;
};

/// The steps of a template: a graph without circles whose decisions, joins and batches are as validation wants them.
std::vector<step> make_steps(const std::vector<step_numbers>& numbers);

/// The steps as the text of a template (JSON). `turn` rotates their order in the document.
std::string to_text(const std::vector<step>& steps, std::size_t turn);

/// The template that the parser makes of the text. Throws if it finds a problem with it.
task_template parse_text(const std::string& text);

} // namespace geartrain::oracle
