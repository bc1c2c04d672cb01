package dev.oms.console;

import io.quarkus.test.junit.QuarkusIntegrationTest;

@QuarkusIntegrationTest
class ConsoleFilesIT extends ConsoleFilesTest {}
