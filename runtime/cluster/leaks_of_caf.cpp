// Linked into builds with AddressSanitizer only. When a link to a node opens or breaks while this process ends, CAF's broker
// and a helper of its that waits for an answer of that node keep each other alive: a leak at the end of the process, of a
// fixed size for each such node (the helper gives up after five minutes in a process that lives on).

extern "C" const char* __lsan_default_suppressions();

extern "C" const char* __lsan_default_suppressions() {
  return "leak:caf::io::basp_broker\n"
         "leak:caf::io::basp::instance::handle\n";
}
