package dev.oms;

import io.quarkus.test.junit.QuarkusIntegrationTest;

@QuarkusIntegrationTest
class WorkerRoleIT extends WorkerRoleTest {}
