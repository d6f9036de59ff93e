#include "runtime/api/report_item.hpp"

#include "runtime/api/object_reader.hpp"
#include "runtime/http/http_date.hpp"
#include "workflow/lease_token.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace geartrain {

namespace {

constexpr std::size_t max_part_bytes = std::size_t{1} << 20; // of result, error and metadata, each
constexpr std::size_t max_part_depth = 64;
constexpr std::size_t max_token_length = 512;
constexpr std::size_t max_echo = 64; // a UUID has 36 characters; nothing longer is repeated

std::string first_problem(const problems& found) {
  return found.front().path + " " + found.front().message;
}

/// The text of a part of the item; absent if the item has none.
json_text read_part(object_reader& item, std::string_view name) {
  auto value = item.any(name);
  if (!value)
    return {};
  if (value->text().size() > max_part_bytes)
    item.wrong(name, "may have at most " + std::to_string(max_part_bytes) + " bytes");
  else if (json_depth(value->text()) > max_part_depth)
    item.wrong(name, "is nested deeper than " + std::to_string(max_part_depth) + " levels");
  return json_text{std::string{value->text()}};
}

// -- checkpoints -----------------------------------------------------------------------

/// The text of a checkpoint in its stored form. Null counts as none; a problem gives an absent text.
std::optional<json_text> read_checkpoint(object_reader& item, std::string_view name, problems& found) {
  auto given = item.any(name);
  if (!given || given->is_null())
    return std::nullopt;
  auto object = item.object(name);
  if (!object || !read_part(item, name))
    return json_text{};
  object_reader reader{*object, std::string{name}, found};
  auto cursor = reader.any("cursor");
  if (!cursor || cursor->is_null())
    reader.wrong("cursor", "is required");
  auto count = reader.integer("items_processed", 0, std::numeric_limits<std::int64_t>::max(), presence::required);
  auto accumulated = reader.any("accumulated_results");
  json_writer out;
  out.begin_object().raw_field("cursor", cursor.value_or(json_view{}).text());
  out.field("items_processed", count.value_or(0));
  out.raw_field("accumulated_results", accumulated.value_or(json_view{}).text()).end_object();
  return json_text{out.take()};
}

// -- delays that a server asked for --------------------------------------------------

milliseconds capped(double seconds, milliseconds cap) {
  auto wanted = seconds * 1000.0;
  return wanted >= static_cast<double>(cap.count()) ? cap : milliseconds{static_cast<std::int64_t>(wanted)};
}

/// Seconds or an HTTP date. What is neither, or lies in the past, asks for nothing.
std::optional<milliseconds> parse_retry_after(std::string_view text, const report_reading& context) {
  std::uint64_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end == text.data() + text.size() && error != std::errc::invalid_argument)
    return error == std::errc{} ? capped(static_cast<double>(seconds), context.max_delay) : context.max_delay;
  auto date = parse_http_date(text);
  if (!date || *date <= context.now)
    return std::nullopt;
  auto delay = std::chrono::ceil<milliseconds>(*date - context.now);
  return std::min(delay, context.max_delay);
}

bool is_retry_after(std::string_view name) {
  constexpr std::string_view wanted = "retry-after";
  return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

std::optional<milliseconds> read_header_delay(object_reader& metadata, const report_reading& context) {
  auto headers = metadata.object("headers");
  if (!headers)
    return std::nullopt;
  std::optional<milliseconds> delay;
  for (const auto& [name, value] : headers->members()) {
    auto content = value.as_string();
    if (!content && !value.is_null())
      metadata.wrong("headers." + name.substr(0, max_echo), "must be a string, not " + excerpt(value));
    else if (content && is_retry_after(name))
      delay = parse_retry_after(*content, context);
  }
  return delay;
}

std::optional<milliseconds> read_hinted_delay(object_reader& metadata, const report_reading& context, problems& found) {
  auto hint = metadata.object("backoff_hint");
  if (!hint)
    return std::nullopt;
  object_reader reader{*hint, "orchestration_metadata.backoff_hint", found};
  reader.text("backoff_type", {1, 255});
  auto value = reader.any("delay_seconds");
  if (!value || value->is_null())
    return std::nullopt;
  auto seconds = value->as_number();
  if (seconds && *seconds >= 0)
    return capped(*seconds, context.max_delay);
  reader.wrong("delay_seconds", "must be a number of at least 0, not " + excerpt(*value));
  return std::nullopt;
}

/// A header of the answer that a handler got outranks the handler's own hint.
std::optional<milliseconds> read_requested_delay(object_reader& item, const report_reading& context, problems& found) {
  auto metadata = item.object("orchestration_metadata");
  if (!metadata)
    return std::nullopt;
  object_reader reader{*metadata, "orchestration_metadata", found};
  auto from_header = read_header_delay(reader, context);
  auto from_hint = read_hinted_delay(reader, context, found);
  return from_header ? from_header : from_hint;
}

// -- outcomes --------------------------------------------------------------------------

void read_metadata(object_reader& item, step_report& report, std::optional<bool>& retryable, problems& found) {
  auto metadata = item.object("metadata");
  if (!metadata)
    return;
  report.metadata = read_part(item, "metadata");
  object_reader reader{*metadata, "metadata", found};
  report.execution_time_ms = reader.integer("execution_time_ms", 0, std::numeric_limits<std::int64_t>::max());
  retryable = reader.boolean("retryable");
}

void read_error(object_reader& item, step_report& report, std::optional<bool> retryable, problems& found) {
  report.retryable = retryable.value_or(true);
  auto error = item.object("error");
  if (!error) {
    report.error = json_text{R"({"message":"the handler failed and gave no error","error_type":"handler_error",)"
                             R"("retryable":true})"};
    report.retryable = true;
    return;
  }
  report.error = read_part(item, "error");
  object_reader reader{*error, "error", found};
  reader.text("message", {0, max_part_bytes});
  reader.text("error_type", {0, 1024});
  if (auto stated = reader.boolean("retryable"))
    report.retryable = *stated;
}

void read_outcome(object_reader& item, step_report& report, const report_reading& context, problems& found) {
  if (auto checkpoint = read_checkpoint(item, "checkpoint_yield", found)) {
    report.kind = report_kind::yield;
    report.checkpoint = std::move(*checkpoint);
    return;
  }
  auto success = item.boolean("success", presence::required);
  std::optional<bool> retryable;
  read_metadata(item, report, retryable, found);
  report.requested_delay = read_requested_delay(item, context, found);
  report.success = success.value_or(false);
  if (report.success) {
    report.result = read_part(item, "result");
    if (!report.result)
      report.result = json_text{"null"};
  } else if (success) {
    read_error(item, report, retryable, found);
  }
}

} // namespace

lease_item read_lease(const json_view& item, const token_mint& mint) {
  lease_item lease;
  if (item.type() != json_view::kind::object) {
    lease.invalid = "must be an object, not " + excerpt(item);
    return lease;
  }
  problems found;
  object_reader reader{item, "", found};
  if (auto given = reader.any("step_uuid"))
    if (auto text = given->as_string(); text && text->size() <= max_echo)
      lease.step_uuid = std::move(text);
  auto step = reader.id("step_uuid", presence::required);
  auto token = reader.text("lease_token", {1, max_token_length}, presence::required);
  if (!found.empty()) {
    lease.invalid = first_problem(found);
    return lease;
  }
  lease.token = mint.decode(*token);
  if (!lease.token)
    lease.invalid = "lease_token is not one that this cluster issued";
  else if (lease.token->step != *step)
    lease.invalid = "lease_token belongs to another step";
  if (!lease.invalid.empty())
    lease.token.reset();
  return lease;
}

heartbeat_item read_heartbeat(const json_view& item, const report_reading& context) {
  heartbeat_item result{read_lease(item, context.mint), std::nullopt};
  if (!result.lease.token)
    return result;
  problems found;
  object_reader reader{item, "", found};
  auto checkpoint = read_checkpoint(reader, "checkpoint", found);
  if (!found.empty()) {
    result.lease.invalid = first_problem(found);
    result.lease.token.reset();
  } else if (checkpoint) {
    step_report report;
    report.kind = report_kind::checkpoint;
    report.token = *result.lease.token;
    report.worker = context.worker;
    report.checkpoint = std::move(*checkpoint);
    result.checkpoint = std::move(report);
  }
  return result;
}

report_item read_report(const json_view& item, const report_reading& context) {
  auto lease = read_lease(item, context.mint);
  report_item result{std::move(lease.step_uuid), std::nullopt, std::move(lease.invalid)};
  if (!lease.token)
    return result;
  problems found;
  object_reader reader{item, "", found};
  step_report report;
  report.token = *lease.token;
  report.worker = context.worker;
  read_outcome(reader, report, context, found);
  if (found.empty())
    result.report = std::move(report);
  else
    result.invalid = first_problem(found);
  return result;
}

void write_item_answer(json_writer& out, const std::optional<std::string>& step_uuid, std::string_view status,
                       std::string_view message) {
  out.begin_object().field("step_uuid", step_uuid).field("status", status);
  if (!message.empty())
    out.field("message", message);
  out.end_object();
}

} // namespace geartrain
