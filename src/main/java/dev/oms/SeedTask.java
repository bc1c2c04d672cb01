package dev.oms;

import dev.oms.start.SeedData;
import io.quarkus.runtime.QuarkusApplication;

/** {@code --seed}: writes the {@linkplain SeedData seed data} that is missing, and exits. */
public class SeedTask implements QuarkusApplication {
    private final SeedData seedData;

    SeedTask(SeedData seedData) {
        this.seedData = seedData;
    }

    @Override
    public int run(String... args) {
        seedData.seed();
        return 0;
    }
}
