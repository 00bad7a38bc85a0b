// build_probe import NAME TAR | build [-t NAME] [-f FILE] [--arg K=V] [--target T] [--no-cache] [--explain] [--check]
// [--cache-from C] [--cache-to C] DIR | show NAME Roots come from CONSORT_DATA_ROOT and CONSORT_RUN_ROOT.
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cstdio>
#include <cstring>
#include <iostream>

#include "base/strings.hpp"
#include "build/build.hpp"
#include "build/cache/cache.hpp"
#include "image/store.hpp"
#include "image/transfer.hpp"
#include "snapshot.hpp"

namespace consort::build {
namespace {

int report(const Error& error) {
  std::cerr << "ERROR: " << error.message() << "\n";
  if (const Mark* mark = error.mark())
    std::cerr << "  at " << mark->file << ":" << mark->line << ":" << mark->column << "\n";
  if (!error.hint_text().empty()) std::cerr << "  hint: " << error.hint_text() << "\n";
  return 1;
}

void print(const ProgressEvent& event) {
  const std::string id = "#" + std::to_string(event.id);
  switch (event.state) {
    case StepState::started:
      std::cerr << id << " " << event.text << "\n";
      break;
    case StepState::output:
      std::cerr << event.output;
      break;
    case StepState::cached:
      std::cerr << id << " CACHED\n";
      break;
    case StepState::done:
      std::cerr << id << " DONE " << event.seconds << "s\n";
      break;
    case StepState::error:
      std::cerr << id << " ERROR: " << event.message << "\n";
      break;
    case StepState::canceled:
      std::cerr << id << " CANCELED\n";
      break;
  }
}

Result<int> import(image::Store& store, const char* name, const char* tar) {
  image::ImportOptions options;
  options.names.push_back(TRY(image::Reference::parse(name)));
  const Fd in = TRY(open_file(tar, O_RDONLY));
  std::cout << TRY(image::import_rootfs(store, in.get(), options)).id << "\n";
  return 0;
}

Result<int> run_build(image::Store& store, const Roots& roots, int argc, char** argv) {
  BuildRequest request;
  bool explain = false;
  for (int i = 2; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (option == "-t")
      request.tags.push_back(value());
    else if (option == "-f")
      request.dockerfile = value();
    else if (option == "--cache-from")
      request.cache_from.push_back(value());
    else if (option == "--cache-to")
      request.cache_to.push_back(value());
    else if (option == "--target")
      request.target = value();
    else if (option == "--no-cache")
      request.cache = CacheUse::ignore;
    else if (option == "--explain")
      explain = true;
    else if (option == "--check")
      request.goal = Goal::check_only;
    else if (option == "--ssh")
      request.ssh.push_back({});
    else if (option == "--network")
      request.network = value();
    else if (option == "--arg" || option == "--context" || option == "--secret" || option == "--label") {
      const std::string text = value();
      const auto at = text.find('=');
      const std::string key = text.substr(0, at), rest = text.substr(at + 1);
      if (option == "--arg") request.args[key] = rest;
      if (option == "--label") request.labels[key] = rest;
      if (option == "--context") request.additional_contexts.push_back({key, rest});
      if (option == "--secret") request.secrets.push_back({key, rest});
    } else
      request.context = option;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  const Fd signal_fd(::signalfd(-1, &set, SFD_CLOEXEC));
  BuildEnvironment environment{.store = store, .roots = roots, .pull = {}};
  environment.progress = print;
  environment.cancel_fd = signal_fd.get();
  environment.failed = [](const StepFailure& failure) { std::cerr << render(failure); };
  const auto result = TRY(build(request, environment));
  for (const auto& warning : result.warnings)
    std::cerr << warning.at.file << ":" << warning.at.line << ":" << warning.at.column << ": " << warning.rule << ": "
              << warning.message << "\n";
  if (explain) {
    for (const auto& step : result.explanations)
      std::cerr << (step.cached ? "cached  " : "built   ") << step.step << ": " << step.reason << "\n";
  }
  std::cout << result.image_id << "\n";
  return 0;
}

Result<int> show(image::Store& store, const char* name) {
  const auto image = TRY(store.find(name));
  std::cout << TRY(describe_files(store, image)) << TRY(describe_config(store, image));
  return 0;
}

Result<int> run(int argc, char** argv) {
  const Roots roots = TRY(Roots::from_environment());
  TRY(roots.prepare());
  auto store = TRY(image::Store::open(roots));
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "import" && argc == 4) return import(store, argv[2], argv[3]);
  if (verb == "build") return run_build(store, roots, argc, argv);
  if (verb == "show" && argc == 3) return show(store, argv[2]);
  if (verb == "remove" && argc == 3) {
    TRY(store.remove(argv[2], image::Store::Removal::force));
    return 0;
  }
  if (verb == "forget") {
    Cache cache = TRY(Cache::open(store));
    std::cout << TRY(cache.prune(system_now())).steps << " steps forgotten\n";
    std::cout << TRY(store.prune({.images = image::PruneOptions::Images::none, .mode = image::PruneOptions::Mode::act}))
                     .reclaimed
              << " bytes reclaimed\n";
    return 0;
  }
  return 2;
}

}  // namespace
}  // namespace consort::build

int main(int argc, char** argv) {
  auto code = consort::build::run(argc, argv);
  return code ? *code : consort::build::report(code.error());
}
