package dev.oms;

import io.quarkus.test.junit.QuarkusIntegrationTest;
import io.quarkus.test.junit.TestProfile;

@QuarkusIntegrationTest
@TestProfile(WorkerRoleTest.Worker.class)
class WorkerRoleIT extends WorkerRoleTest {}
