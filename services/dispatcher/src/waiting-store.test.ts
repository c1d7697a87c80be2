import { storeConformance } from '../testing/waiting-store-conformance.ts';
import { createMemoryStore } from './waiting-store.ts';

storeConformance('in memory', createMemoryStore);
