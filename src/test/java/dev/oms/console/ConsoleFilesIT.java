package dev.oms.console;

import io.quarkus.test.junit.QuarkusIntegrationTest;
import org.junit.jupiter.api.Tag;

@Tag("full")
@QuarkusIntegrationTest
class ConsoleFilesIT extends ConsoleFilesTest {}
