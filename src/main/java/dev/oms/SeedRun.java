package dev.oms;

import dev.oms.start.SeedData;
import io.quarkus.runtime.QuarkusApplication;

/** Seeds what is missing, and ends. */
public class SeedRun implements QuarkusApplication {
    private final SeedData seedData;

    SeedRun(SeedData seedData) {
        this.seedData = seedData;
    }

    @Override
    public int run(String... args) {
        seedData.seed();
        return 0;
    }
}
