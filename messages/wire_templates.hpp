#pragma once

#include "messages/peer.hpp"

#include <cstdint>
#include <functional>
#include <vector>

// Templates travel as their storage key. Before anybody looks at a task or a step that another node sent, its stub
// gives way to the real template. Calls carry none.

namespace geartrain {

/// The storage keys of the templates in this body, each once.
std::vector<std::int64_t> template_ids(const peer_answer_body& body);
std::vector<std::int64_t> template_ids(const peer_notice_body& body);

/// Puts the templates that `find` knows in the place of their stubs. False, and the body is as before, if `find` has an
/// empty snapshot for one, or if what was sent does not fit its template: it names steps that are not there.
bool complete_templates(peer_answer_body& body, const std::function<template_snapshot(std::int64_t)>& find);
bool complete_templates(peer_notice_body& body, const std::function<template_snapshot(std::int64_t)>& find);

} // namespace geartrain
