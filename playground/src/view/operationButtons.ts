import { isOperationName, type OperationName } from '../operations';

interface OperationActions {
  perform: (name: OperationName) => void;
  isOffered: (name: OperationName) => boolean;
}

/** Makes the page's buttons perform their operations, and hides those that are not offered. */
export function connectOperations({ perform, isOffered }: OperationActions): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-operation]')) {
    const { operation: name } = button.dataset;
    if (!isOperationName(name)) continue;
    button.onclick = () => perform(name);
    const item = button.closest('li');
    if (item) item.hidden = !isOffered(name);
  }
}
