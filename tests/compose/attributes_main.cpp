// compose_attributes [CASES]: prints the table for docs/reference/compose-attributes.md.
#include <iostream>

#include "attributes.hpp"

int main(int argc, char** argv) {
  std::cout << consort::compose::attributes_markdown(argc > 1 ? argv[1] : CONSORT_TEST_DATA "/differential-cases");
}
