// The library's own guarantees: marks, provenance, selection, limits, machine-readable diagnostics.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "compose/compose.hpp"
#include "compose/dotenv.hpp"
#include "compose/parsed_files.hpp"
#include "compose/template.hpp"

namespace consort::compose {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

LoadOptions with_files(std::map<std::string, std::string> files) {
  LoadOptions options;
  options.working_directory = "/project";
  options.files.clear();
  auto shared = std::make_shared<std::map<std::string, std::string>>(std::move(files));
  options.access.read = [shared](const std::string& path) -> Result<std::string> {
    const auto found = shared->find(path);
    if (found == shared->end()) return fail(Code::not_found, "open " + path + ": no such file or directory");
    return found->second;
  };
  options.access.is_file = [shared](const std::string& path) { return shared->contains(path); };
  options.access.exists = options.access.is_file;
  options.access.resolve_links = [](const std::string& path) { return path; };
  return options;
}

TEST(Project, LocatesValuesInTheUsersFiles) {
  const LoadOutcome outcome = load(with_files({{"/project/compose.yaml",
                                                "services:\n"
                                                "  web:\n"
                                                "    image: nginx\n"
                                                "    ports:\n"
                                                "      - \"80:80\"\n"
                                                "    environment: {A: b}\n"}}));
  ASSERT_TRUE(outcome.project);
  EXPECT_EQ(outcome.project->locate({"services", "web", "ports", "0"}), (Mark{"/project/compose.yaml", 5, 9, 7}));
  EXPECT_EQ(outcome.project->locate({"services", "web", "environment", "A"}).line, 6U);
  EXPECT_EQ(outcome.project->services.at("web").mark.line, 2U);
  EXPECT_EQ(outcome.project->line_at(outcome.project->services.at("web").mark), "  web:");
}

std::string on_of(const LoadOptions& options, ParsedFiles* parsed = nullptr) {
  return top_level_value(options, find_project(options).value(), {"x-consort", "on"}, parsed);
}

TEST(TopLevelValue, IsThatOfTheMergedFiles) {
  LoadOptions options = with_files({{"/project/a.yaml", "x-consort: {on: '${WHERE}'}\nservices: {web: {image: x}}\n"},
                                    {"/project/b.yaml", "services: {web: {image: y}}\n"},
                                    {"/project/here.yaml", "x-consort: {on: here}\n"},
                                    {"/project/reset.yaml", "x-consort: !reset null\n"},
                                    {"/project/other.yaml", "x-consort: !override {foo: 1}\n"},
                                    {"/project/beside.yaml", "x-consort: {foo: 1}\n"},
                                    {"/project/empty.yaml", "x-consort: {on: ''}\n"}});
  options.environment["WHERE"] = "there";
  for (const auto& [files, value] : std::vector<std::pair<Strings, std::string>>{{{"a.yaml", "b.yaml"}, "there"},
                                                                                 {{"a.yaml", "here.yaml"}, "here"},
                                                                                 {{"here.yaml", "a.yaml"}, "there"},
                                                                                 {{"a.yaml", "reset.yaml"}, ""},
                                                                                 {{"a.yaml", "other.yaml"}, ""},
                                                                                 {{"other.yaml", "a.yaml"}, "there"},
                                                                                 {{"a.yaml", "beside.yaml"}, "there"},
                                                                                 {{"a.yaml", "empty.yaml"}, ""},
                                                                                 {{"b.yaml"}, ""},
                                                                                 {{"missing.yaml"}, ""}}) {
    options.files = files;
    EXPECT_EQ(on_of(options), value) << files.back();
  }
}

// The images in these documents are in no file: load() can only show them if it parses nothing itself.
TEST(TopLevelValue, LeavesNothingToParseAgain) {
  for (const char* name : {"shop", ""}) {
    LoadOptions options = with_files({{"/project/a.yaml", "x-consort: {on: there}\nservices: {web: {image: x}}\n"},
                                      {"/project/b.yaml", "services: {web: {command: y}}\n"}});
    options.files = {"a.yaml", "b.yaml"};
    options.project_name = name;
    ParsedFiles parsed;
    EXPECT_EQ(on_of(options, &parsed), "there");
    std::size_t kept = 0;
    for (const std::uint32_t index : {1U, 2U})
      for (const char* path : {"/project/a.yaml", "/project/b.yaml"}) {
        const Source source(path, *options.access.read(path));
        const ParsedFiles::Documents documents = parsed.find(source, index);
        if (!documents) continue;
        ++kept;
        std::vector<Node> changed = *documents;
        Node* web = changed.at(0).find("services")->find("web");
        web->set(base_name(path) == "a.yaml" ? "image" : "hostname", Node::make_string("kept", {}), {});
        parsed.keep(source, index, std::make_shared<const std::vector<Node>>(std::move(changed)));
      }
    EXPECT_EQ(kept, 2U);
    const LoadOutcome outcome = load(options, find_project(options), &parsed);
    ASSERT_TRUE(outcome.project);
    EXPECT_EQ(outcome.project->services.at("web").image, "kept");
    EXPECT_EQ(outcome.project->services.at("web").hostname, "kept");
  }
}

TEST(TopLevelValue, LeavesItsErrorsToTheLoad) {
  std::string text = "x-consort: {on: there}\nservices: {web: {image: x, image: y}}\n";
  LoadOptions options = with_files({{"/project/compose.yaml", ""}});
  options.access.read = [&text](const std::string&) -> Result<std::string> { return text; };
  ParsedFiles parsed;
  EXPECT_EQ(on_of(options, &parsed), "there");
  EXPECT_EQ(load(options, find_project(options), &parsed).diagnostics.at(0).code, "duplicate-key");
  text = "x-consort: {on: there}\nservices: {web: {image: x}}\n";
  EXPECT_EQ(on_of(options, &parsed), "there");
  text = "services: {web: {image: y}}\n";  // it has been rewritten in the meantime
  EXPECT_EQ(load(options, find_project(options), &parsed).project->services.at("web").image, "y");
}

TEST(Project, SelectionTakesDependenciesAlong) {
  const LoadOutcome outcome = load(with_files({{"/project/compose.yaml",
                                                "services:\n"
                                                "  a: {image: x, depends_on: [b], networks: [n]}\n"
                                                "  b: {image: x}\n"
                                                "  c: {image: x}\n"
                                                "networks: {n: }\n"}}));
  ASSERT_TRUE(outcome.project);
  EXPECT_THAT(dependency_order(*outcome.project), ElementsAre("b", "a", "c"));
  const std::vector<std::string> names{"a"};
  const auto chosen = project_with_services(*outcome.project, names, Dependencies::include);
  ASSERT_TRUE(chosen);
  EXPECT_TRUE(chosen->services.contains("b"));
  EXPECT_TRUE(chosen->disabled_services.contains("c"));
  const std::vector<std::string> unknown{"aa"};
  EXPECT_EQ(project_with_services(*outcome.project, unknown, Dependencies::ignore).error().message(),
            "no such service: aa");
}

std::vector<std::string> messages(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> found;
  for (const Diagnostic& each : diagnostics) found.push_back(each.message);
  return found;
}

TEST(Advice, TellsWhoStartsContainersOfTrapsOnly) {
  const LoadOptions options =
      with_files({{"/project/compose.yaml",
                   "services:\n"
                   "  a:\n"
                   "    image: x\n"
                   "    ports: [\"80:80\"]\n"
                   "    volumes: [./data:/a, ./conf.d:/b, ./v1.2:/c, ./a.template:/d, ./here.conf:/e]\n"
                   "  b: {image: x, ports: [\"80:8080\"]}\n"},
                  {"/project/here.conf", ""}});
  const LoadOutcome outcome = load(options);
  ASSERT_TRUE(outcome.project);
  EXPECT_THAT(outcome.diagnostics, testing::IsEmpty()) << "only who asks is advised";

  const std::vector<Diagnostic> traps = advise(*outcome.project, Advice::traps, options.access);
  ASSERT_THAT(
      messages(traps),
      ElementsAre("services \"a\" and \"b\" both publish host port 80/tcp",
                  "services.a.volumes: /project/a.template does not exist; an empty directory will be created there"));
  EXPECT_EQ(traps[0].mark.line, 6U);
  EXPECT_EQ(traps[1].mark.line, 5U);
  EXPECT_EQ(traps[0].severity, Severity::warning);
  EXPECT_EQ(advise(*outcome.project, Advice::all, options.access).size(), 5U);

  const std::vector<std::string> names{"b"};
  const auto chosen = project_with_services(*outcome.project, names, Dependencies::include);
  ASSERT_TRUE(chosen);
  EXPECT_THAT(advise(*chosen, Advice::traps, options.access), testing::IsEmpty()) << "of what is not started";
}

// The lists that Docker Compose 2.40.3 prints for these texts. Where it chooses at random, the most informative one.
TEST(Variables, ShowTheDefaultThatDockerComposeShows) {
  const auto listed = [](const std::string& service) {
    LoadOptions options = with_files({{"/project/compose.yaml", "services:\n  a:\n" + service}});
    options.interpolate = Switch::off;
    std::string text;
    for (const VariableUse& each : load(options).variables) {
      text += each.name + (each.required ? "!" : "") + "=" + each.default_value +
              (each.alternate_value.empty() ? "" : "+" + each.alternate_value) + " ";
    }
    return text;
  };
  const auto in_text = [&](const std::string& text) { return listed("    image: \"" + text + "\"\n"); };
  EXPECT_EQ(in_text("${A:-1}-${A}"), "A=1 ");
  EXPECT_EQ(in_text("${A:-1} $A"), "A= ") << "behind the last brace";
  EXPECT_EQ(in_text("${A:-1} $A {}"), "A=1 ");
  EXPECT_EQ(in_text("${A}${A:-1}${A:-2}"), "A=1 ");
  EXPECT_EQ(in_text("${A:-1}\\n${A:-2}"), "A=2 ");
  EXPECT_EQ(in_text("${A:+x}${A:-1}"), "A=+x ");
  EXPECT_EQ(in_text("${A:?why}${A:-1}"), "A!= ");
  EXPECT_EQ(in_text("${A:-}${A:-1}"), "A= ");
  EXPECT_EQ(in_text("${A:-${A:-3}}"), "A=3 ");
  EXPECT_EQ(in_text("${A:-${B:-1}${B:-2}} ${B:-3}"), "A=${B:-1}${B:-2} B=1 ");
  EXPECT_EQ(in_text("$${A} ${B?${C:-1}}"), "B!= ");
  EXPECT_EQ(listed("    command: [\"${A:-1}\", \"${A}\", \"${B}\", \"${B:-2}\"]\n"), "A= B=2 ");
  EXPECT_EQ(listed("    image: ${A:?}\n    hostname: ${A}\n    user: ${A:-1}\n"), "A!= ");
}

TEST(ImageTags, OrdinaryWordsAreNoMisprints) {
  for (const char* tag : {"1.2-local", "unstable", "master", "cluster", "plain-1"}) {
    const LoadOutcome outcome =
        load(with_files({{"/project/compose.yaml", std::string("services: {a: {image: \"x:") + tag + "\"}}\n"}}));
    EXPECT_THAT(outcome.diagnostics, testing::IsEmpty()) << tag;
  }
}

TEST(HealthChecks, WordsThatTheShellLosesAreTold) {
  const auto warnings = [](const std::string& test) {
    const std::string text = "services: {a: {image: x, healthcheck: {test: " + test + "}}}\n";
    return messages(load(with_files({{"/project/compose.yaml", text}})).diagnostics);
  };
  EXPECT_THAT(warnings("[CMD-SHELL, test, -f, /x]"),
              ElementsAre(HasSubstr("the shell runs \"test\" alone as its command")));
  EXPECT_THAT(warnings("[CMD-SHELL, test -f /x]"), testing::IsEmpty());
  EXPECT_THAT(warnings("[CMD, test, -f, /x]"), testing::IsEmpty());
}

TEST(Provenance, TellsEveryPlaceAndVariable) {
  LoadOptions options = with_files(
      {{"/project/compose.yaml", "services:\n  a:\n    image: x\n    environment:\n      A: one\n      PASSWORD: p\n"},
       {"/project/b.yaml", "services:\n  a:\n    environment:\n      A: ${X}\n      PASSWORD: q\n"}});
  options.files = {"compose.yaml", "b.yaml"};
  options.environment = {{"X", "two"}};
  options.trace = Switch::on;
  const LoadOutcome outcome = load(options);
  ASSERT_TRUE(outcome.project);
  const auto& steps = outcome.provenance.at("services.a.environment.A");
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].value, "one");
  EXPECT_EQ(steps[0].mark.line, 5U);
  EXPECT_EQ(steps[1].value, "two");
  EXPECT_EQ(steps[1].mark.file, "/project/b.yaml");
  EXPECT_EQ(steps[2].what, "interpolated ${X}");
  EXPECT_EQ(steps[2].source, "environment of the process");
  for (const ProvenanceStep& each : outcome.provenance.at("services.a.environment.PASSWORD")) {
    EXPECT_EQ(each.value, "***");
    EXPECT_EQ(each.line_text, "");
  }
}

TEST(Limits, EndInClearErrors) {
  const auto first_error = [](const std::string& text) {
    const LoadOutcome outcome = load(with_files({{"/project/compose.yaml", text}}));
    EXPECT_FALSE(outcome.project);
    return outcome.diagnostics.empty() ? std::string() : outcome.diagnostics[0].message;
  };
  std::string laughs = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    laughs += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) laughs += std::string(i ? ",*" : "*") + static_cast<char>(c - 1);
    laughs += "]\n";
  }
  EXPECT_THAT(first_error(laughs), HasSubstr("excessive aliasing"));
  EXPECT_THAT(first_error("services: " + std::string(100'000, '[')), HasSubstr("exceeded max depth"));
  EXPECT_THAT(first_error(std::string(17U << 20, 'a')), HasSubstr("larger than 16 MiB"));
}

// Loads hostile texts in a separate process, which is limited to 256 MiB of address space.
TEST(LimitsDeathTest, HostileTextsEndInErrorsWithinAQuarterOfAGibibyte) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers reserve terabytes of address space";
#endif
  std::string noise(1U << 20, '\0');
  for (std::size_t i = 0, seed = 1; i < noise.size(); ++i) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    noise[i] = static_cast<char>(seed >> 56);
  }
  std::string variables = "services: {a: {image: \"";
  for (int i = 0; i < 200'000; ++i) variables += "${A}";
  std::string keys = "services:\n";
  for (int i = 0; i < 20'000; ++i) keys += "  s" + std::to_string(i) + ": {imgae: x}\n";
  const std::string deep = "services: " + std::string(1U << 20, '[');
  for (const std::string& text : {noise, variables + "\"}}\n", keys, deep, std::string(16U << 20, 'a')}) {
    const auto attempt = [&text] {
      const rlimit limit{256U << 20, 256U << 20};
      setrlimit(RLIMIT_AS, &limit);
      const LoadOutcome outcome = load(with_files({{"/project/compose.yaml", text}}));
      std::_Exit(outcome.project || outcome.diagnostics.empty() ? 1 : 0);
    };
    EXPECT_EXIT(attempt(), testing::ExitedWithCode(0), "") << text.substr(0, 40);
  }
}

TEST(Diagnostics, AreMachineReadable) {
  const LoadOutcome outcome = load(with_files({{"/project/compose.yaml", "services:\n  a:\n    imgae: x\n"}}));
  ASSERT_FALSE(outcome.project);
  EXPECT_THAT(diagnostics_json(outcome.diagnostics), HasSubstr("\"code\": \"unknown-key\""));
  EXPECT_THAT(diagnostics_json(outcome.diagnostics), HasSubstr("\"replacement\": \"image\""));
  EXPECT_THAT(diagnostics_sarif(outcome.diagnostics), HasSubstr("\"startLine\": 3"));
  EXPECT_EQ(to_error(outcome.diagnostics).mark()->line, 3U);
}

TEST(Readme, ShowsTheExampleThatIsCompiled) {
  const std::string root = CONSORT_SOURCE_ROOT;
  const auto program = read_file(root + "/examples/compose-library/main.cpp");
  const auto readme = read_file(root + "/src/compose/README.md");
  ASSERT_TRUE(program && readme);
  EXPECT_THAT(*readme, HasSubstr("```cpp\n" + *program + "```\n"));
}

TEST(Attributes, TableComesFromTheShapes) {
  const auto rows = attribute_table();
  EXPECT_GT(rows.size(), 250U);
  EXPECT_THAT(rows, Contains(Field(&AttributeRow::path, "services.*.healthcheck.interval")));
  const auto row = std::ranges::find(rows, "services.*.environment", &AttributeRow::path);
  ASSERT_NE(row, rows.end());
  EXPECT_THAT(row->merge, HasSubstr("unique by key"));
}

TEST(Template, ReportsTheFirstFault) {
  const Lookup nothing = [](std::string_view) -> const std::string* { return nullptr; };
  EXPECT_EQ(substitute("${A:-${B:-c}}", nothing).text, "c");
  EXPECT_EQ(substitute("a${1}", nothing).fault, TemplateFault::invalid);
  EXPECT_EQ(substitute("${A?no}", nothing).fault_text, "required variable A is missing a value: no");
  EXPECT_THAT(substitute("$A ${A}", nothing).unset, ElementsAre("A", "A"));
}

TEST(SystemFiles, RememberWhatCanBeReadOnlyOnce) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd out(ends[0]);
  {
    const Fd in(ends[1]);
    ASSERT_EQ(::write(in.get(), "TAG=1\n", 6), 6);
  }
  LoadOptions options;
  options.working_directory = "/";
  options.env_files = {"/proc/self/fd/" + std::to_string(out.get())};  // as a shell spells <(...)
  options.files = {"/compose.yaml"};
  options.access.is_file = [](const std::string&) { return true; };
  const LoadOptions copy = options;
  for (const LoadOptions& each : {options, copy, options}) {
    const auto found = find_project(each);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->environment.at("TAG"), "1");
  }
}

TEST(Dotenv, KeepsLines) {
  const Lookup nothing = [](std::string_view) -> const std::string* { return nullptr; };
  const DotenvResult result = parse_dotenv("A=1\n# c\nB=\"x\ny\"\nC=${A}\n", nothing);
  ASSERT_EQ(result.variables.size(), 3U);
  EXPECT_EQ(result.variables[1].line, 3U);
  EXPECT_EQ(*result.variables[1].value, "x\ny");
  EXPECT_EQ(result.variables[2].line, 5U);
  EXPECT_EQ(*result.variables[2].value, "1");
}

}  // namespace
}  // namespace consort::compose
