package dev.oms;

import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import io.quarkus.test.junit.TestProfile;

@QuarkusIntegrationTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(PackagedWorker.class)
class ContractIT extends ContractTest {}
