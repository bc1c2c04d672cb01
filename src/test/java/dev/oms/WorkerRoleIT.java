package dev.oms;

import io.quarkus.test.junit.QuarkusIntegrationTest;
import org.junit.jupiter.api.Tag;

@Tag("packaged")
@QuarkusIntegrationTest
class WorkerRoleIT extends WorkerRoleTest {}
